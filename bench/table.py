"""Markdown tables of a series: each peer's middle value, its spread, and the ratio to Holdfast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.results import Series, paired
from bench.spread import ratios, spread


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def value(series: Series, peer: str, name: str, spec: str, **parameters: Any) -> str:
    """Median with lowest and highest, or a dash where every run was refused."""
    values = list(series.pick(peer, name, **parameters).values())
    return format(spread(values), spec) if values else "–"


def ratio(series: Series, peer: str, reference: str, name: str, **parameters: Any) -> str:
    """How many times the reference's value, taken within each repetition."""
    ours, theirs = paired(series, peer, reference, name, **parameters)
    return format(ratios(ours, theirs), ".1f") + " ×" if ours else "–"
