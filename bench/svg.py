"""Bar charts on a logarithmic scale, as plain SVG that reads on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from bench.spread import Spread

WIDTH = 860
LABELS = 330
RIGHT = 110
BAR = 16
ROW = 24
HEADER = 46
GROUP_GAP = 30
OURS = "#d9480f"
THEIRS = "#4c6ef5"
INK = "#868e96"
FONT = "font-family='system-ui,sans-serif' font-size='12'"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its whisker from the lowest to the highest run."""

    label: str
    value: Spread
    ours: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The bars of one case."""

    label: str
    bars: Sequence[Bar]


class _Scale:
    """Positions on a logarithmic axis that covers every value in whole decades."""

    def __init__(self, values: Sequence[float]) -> None:
        self.first = floor(log10(min(values)))
        self.last = max(ceil(log10(max(values))), self.first + 1)

    def at(self, value: float) -> float:
        """The x of a value."""
        part = (log10(value) - self.first) / (self.last - self.first)
        return LABELS + part * (WIDTH - LABELS - RIGHT)

    def decades(self) -> list[float]:
        """The values that get a line."""
        return [10.0**exponent for exponent in range(self.first, self.last + 1)]


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal") -> str:
    style = f"{FONT} fill='{INK}' text-anchor='{anchor}' font-weight='{weight}'"
    return f"<text x='{x:.1f}' y='{y:.1f}' {style}>{escape(text)}</text>"


def _bar(bar: Bar, y: float, scale: _Scale) -> list[str]:
    end, middle = scale.at(bar.value.middle), y + BAR / 2
    low, high = scale.at(bar.value.low), scale.at(bar.value.high)
    colour = OURS if bar.ours else THEIRS
    return [
        _text(LABELS - 8, y + 12, bar.label, "end"),
        f"<rect x='{LABELS}' y='{y}' width='{end - LABELS:.1f}' height='{BAR}' fill='{colour}'/>",
        f"<path d='M{low:.1f} {middle}H{high:.1f}' stroke='{INK}' stroke-width='2'/>",
        _text(max(end, high) + 6, y + 12, f"{bar.value.middle:.3g}"),
    ]


def _axis(scale: _Scale, height: float) -> list[str]:
    lines = []
    for value in scale.decades():
        x = scale.at(value)
        lines.append(f"<path d='M{x:.1f} {HEADER - 8}V{height - 8:.0f}' stroke='{INK}44'/>")
        lines.append(_text(x, HEADER - 12, f"{value:g}", "middle"))
    return lines


def bars(title: str, groups: Sequence[Group]) -> str:
    """The chart; every group needs at least one bar, every value must be above zero."""
    values = [v for g in groups for b in g.bars for v in (b.value.low, b.value.high)]
    scale = _Scale(values)
    height = HEADER + sum(GROUP_GAP + ROW * len(group.bars) for group in groups) + 10
    parts = [_text(8, 16, f"{title} (logarithmic)", weight="bold"), *_axis(scale, height)]
    y = float(HEADER)
    for group in groups:
        parts.append(_text(8, y + 16, group.label, weight="bold"))
        y += GROUP_GAP
        for bar in group.bars:
            parts += _bar(bar, y, scale)
            y += ROW
    size = f"width='{WIDTH}' height='{height}' viewBox='0 0 {WIDTH} {height}'"
    return f"<svg xmlns='http://www.w3.org/2000/svg' {size}>\n" + "\n".join(parts) + "\n</svg>\n"
