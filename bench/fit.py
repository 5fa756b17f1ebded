"""How costs grow: a power law through the medians, and what a second process adds."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from statistics import LinearRegression, linear_regression

from bench.results import Series, matched
from bench.spread import Spread, ratios, spread
from bench.workloads.growth import OVER

FLAT = 0.1
"""An exponent below this is none: a tenfold size makes a cost a quarter dearer at most."""


def _law(sizes: Sequence[float], costs: Sequence[float]) -> LinearRegression:
    return linear_regression([log(s) for s in sizes], [log(c) for c in costs])


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The b of cost = a · size^b by least squares on logarithms; two or more sizes above zero."""
    return _law(sizes, costs).slope


def farthest(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """How far the cost farthest from the power law is from it, as a part of it."""
    slope, intercept = _law(sizes, costs)
    return max(
        abs(cost / exp(intercept + slope * log(size)) - 1)
        for size, cost in zip(sizes, costs, strict=True)
    )


def shape(power: float) -> str:
    """What an exponent says in a word."""
    if power < -FLAT:
        return "falls"
    if power <= FLAT:
        return "is flat"
    return "grows at most linearly" if power <= 1 + FLAT else "grows more than linearly"


def _medians(series: Series, what: str, name: str) -> tuple[list[float], list[float]]:
    at = [s.parameters for s in series.samples if s.parameters["grows"] == what]
    sizes, costs = [], []
    for size in sorted({parameters["to"] for parameters in at}):
        values = series.pick("holdfast", name, {"grows": what, "to": size})
        if values:
            sizes.append(max(float(size), 1.0))
            costs.append(spread(list(values.values())).middle)
    return sizes, costs


def growth_lines(series: Series) -> list[str]:
    """One line for each thing that grows: the exponent of the cost in it."""
    lines = []
    kinds = {"members": "cpu_us", "rooms": "cpu_us_message", "history": "cpu_us_message"}
    for what, name in (kinds | {"nodes": "cpu_us"}).items():
        sizes, costs = _medians(series, what, name)
        if len(sizes) > 1:
            unit = "delivery" if name == "cpu_us" else "message"
            power = exponent(sizes, costs)
            lines.append(
                f"* CPU per {unit} {shape(power)}: {what}^{power:.2f}, from {costs[0]:.2f} to "
                f"{costs[-1]:.2f} µs; no median is farther than {farthest(sizes, costs):.0%} from "
                "that line."
            )
    return ["\n**Fit** by a power law through the medians (no history counts as 1):\n", *lines, ""]


def scaling_lines(series: Series) -> list[str]:
    """What two processes carry, as a multiple of what one does."""
    lines = ["\n**Two processes carry, of what one does:**\n"]
    for peer in series.peers():
        apart, spread_out = (carried(series, peer, over) for over in (1, 2))
        if apart and spread_out:
            lines.append(
                f"* {peer}: {apart:.2f} × when each room is at one of them, "
                f"{spread_out:.2f} × when every room is at both"
            )
    return [*lines, ""]


def carried(series: Series, peer: str, over: int) -> Spread | None:
    """What two processes carry as a multiple of what one does, each room over one or both."""
    name = "capacity_per_s"
    two, one = matched(
        series.pick(peer, name, {"processes": 2, OVER: over}),
        series.pick(peer, name, {"processes": 1}),
    )
    return ratios(two, one) if two else None
