"""Medians with their spread, and ratios taken within one repetition, where noise is shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle, lowest and highest of repeated values."""

    middle: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        low, high = format(self.low, spec), format(self.high, spec)
        return f"{format(self.middle, spec)} ({low}–{high})"


def spread(values: Sequence[float]) -> Spread:
    """Median, minimum and maximum; at least one value."""
    return Spread(median(values), min(values), max(values))


def ratios(values: Sequence[float], reference: Sequence[float]) -> Spread:
    """How many times the reference, repetition by repetition: both ran next to each other."""
    return spread([value / base for value, base in zip(values, reference, strict=True)])
