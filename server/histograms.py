"""Histograms as text: two thirds of a scrape's lines, of which only the numbers ever change.

The library makes an object of each line and looks at its name and labels again in every scrape,
5 µs a line with the rest; these take 0.4.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.samples import Exemplar, Sample

from chat.histogram import Histogram

Labels = tuple[tuple[str, str], ...]


class HistogramFamily(Metric):
    """A family of the library, whose samples are made only if somebody asks for them."""

    def __init__(self, name: str, text: str) -> None:
        self._values: list[tuple[Labels, Histogram]] = []
        super().__init__(name, text, "histogram")

    def add(self, labels: Mapping[str, str], values: Histogram) -> None:
        """Add a histogram under these labels."""
        self._values.append((tuple(labels.items()), values))

    @property
    def samples(self) -> list[Sample]:
        """The samples, as the library makes them."""
        found: list[Sample] = []
        for labels, values in self._values:
            names = [name for name, _ in labels]
            family = HistogramMetricFamily(self.name, self.documentation, labels=names)
            buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
            for index, (bound, below) in enumerate(_buckets(values)):
                shown = values.exemplars.get(index)
                if shown is None:
                    buckets.append((bound, below))
                else:
                    trace = Exemplar({"trace_id": shown[0]}, shown[1], shown[2])
                    buckets.append((bound, below, trace))
            family.add_metric([value for _, value in labels], buckets, sum_value=values.total)
            found += family.samples
        return found

    @samples.setter
    def samples(self, _: list[Sample]) -> None:
        """The library begins with none."""

    def render(self, *, exemplars: bool) -> str:
        """Return the family's lines: the same in both formats, but for exemplars."""
        lines = [f"# HELP {self.name} {self.documentation}\n# TYPE {self.name} histogram\n"]
        for labels, values in self._values:
            bounds, count, total = _beginnings(self.name, labels, tuple(values.bounds))
            below = 0
            for bound, below in zip(bounds, accumulate(values.counts), strict=True):
                lines.append(f"{bound}{below}\n")
            for index, (trace, value, at) in values.exemplars.items() if exemplars else ():
                line = lines[index - len(bounds)].rstrip()
                lines[index - len(bounds)] = f'{line} # {{trace_id="{trace}"}} {value} {at}\n'
            lines.append(f"{count}{below}\n{total}{values.total}\n")
        return "".join(lines)


def _buckets(values: Histogram) -> Iterator[tuple[str, int]]:
    return zip(_named(values.bounds), accumulate(values.counts), strict=True)


def _named(bounds: Sequence[float]) -> list[str]:
    return [*(str(float(bound)) for bound in bounds), "+Inf"]


@lru_cache(maxsize=1024)  # more than there are routes times their answers
def _beginnings(name: str, labels: Labels, bounds: tuple[float, ...]) -> tuple[list[str], str, str]:
    """Return what the lines begin with: the buckets', the count's, the sum's."""
    said = "".join(f'{key}="{_escaped(value)}",' for key, value in labels)
    buckets = [f'{name}_bucket{{{said}le="{bound}"}} ' for bound in _named(bounds)]
    common = f"{{{said.rstrip(',')}}}" if said else ""
    return buckets, f"{name}_count{common} ", f"{name}_sum{common} "


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
