"""The physical limit of fan-out: a system call for each socket, and how far from it we are."""

from __future__ import annotations

from typing import Any

from bench.results import Series
from bench.spread import ratios, spread

LIMIT, OURS = "sends", "holdfast"
_ABOUT = (
    "\n**The physical limit:** a subscriber takes at least one `send()` for all the messages in "
    "flight together; what the call costs is measured on the C program that does nothing else. "
    "That one does not wait for what could leave together and so makes more calls than it must: "
    "Holdfast's whole delivery can cost less than its.\n"
)


def limit_lines(series: Series) -> list[str]:
    """What a `send()` costs, and our distance to one for each subscriber and batch."""
    lines = [line for at in series.cases() if (line := _line(series, at))]
    return [_ABOUT, *lines, ""] if lines else []


def call_us(series: Series, at: dict[str, Any]) -> dict[int, float]:
    """CPU µs of one `send()` by repetition: the generator counts how often it reads."""
    costs = series.pick(LIMIT, "cpu_us", at)
    calls = series.pick(LIMIT, "reads_per_delivery", at)
    return {run: cost / calls[run] for run, cost in costs.items() if calls.get(run)}


def _line(series: Series, at: dict[str, Any]) -> str | None:
    calls, ours = call_us(series, at), series.pick(OURS, "cpu_us", at)
    runs = sorted(calls.keys() & ours.keys())
    if not runs:
        return None
    limits = [calls[run] / at["in flight"] for run in runs]
    return (
        f"* {at['subscribers']:,} subscribers, {at['in flight']} in flight: "
        f"a `send()` is {spread([calls[run] for run in runs]):.1f} µs, "
        f"so a delivery takes at least {spread(limits):.2f} µs; "
        f"Holdfast takes {ratios([ours[run] for run in runs], limits):.2f} times that."
    )
