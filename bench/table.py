"""Markdown tables of a series: each peer's middle value, its spread, and the ratio to Holdfast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.results import Series, paired
from bench.spread import ratios, spread
from bench.workloads.workload import Column, Workload


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def table(workload: Workload, series: Series, titles: dict[str, str]) -> str:
    """One row a case and peer; ratios are to the first peer, taken within each repetition."""
    reference = series.peers()[0]
    cases = series.cases()
    head = ["", *cases[0]]
    for column in workload.columns:
        head += [column.title, "ratio"] if column.compared else [column.title]
    rows = []
    for case in cases:
        for peer in series.peers():
            facts = [fact(value) for value in case.values()]
            cells = _cells(workload.columns, series, peer, reference, case)
            rows.append([titles.get(peer, peer), *facts, *cells])
    return markdown(head, rows)


def fact(value: int | str) -> str:
    """A parameter as text."""
    return value if isinstance(value, str) else f"{value:,}"


def _cells(
    columns: Sequence[Column], series: Series, peer: str, reference: str, at: dict[str, Any]
) -> Iterator[str]:
    for column in columns:
        values, runs = list(series.pick(peer, column.name, at).values()), series.runs(peer, at)
        only = f" [{len(values)} of {runs}]" if len(values) < runs else ""
        yield format(spread(values), column.spec) + only if values else "–"
        if column.compared:
            yield _ratio(series, peer, reference, column.name, at)


def _ratio(series: Series, peer: str, reference: str, name: str, at: dict[str, Any]) -> str:
    theirs, ours = paired(series, peer, reference, name, at)
    return format(ratios(theirs, ours), ".2f") + " ×" if ours else "–"
