"""Metric families of prometheus_client, made of plain numbers."""

from collections.abc import Iterable

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.samples import Exemplar

from chat.histogram import Histogram


def gauge(name: str, text: str, value: float) -> Metric:
    """Return a gauge without labels."""
    return GaugeMetricFamily(name, text, value=value)


def counters(name: str, text: str, label: str, counts: Iterable[tuple[str, int]]) -> Metric:
    """Return a counter with one label."""
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in counts:
        family.add_metric([value], count)
    return family


def histogram(name: str, text: str, values: Histogram) -> Metric:
    """Return a histogram without labels."""
    family = HistogramMetricFamily(name, text, labels=[])
    add(family, [], values)
    return family


def add(family: HistogramMetricFamily, labels: list[str], values: Histogram) -> None:
    """Add a histogram's buckets, cumulated as the formats want them, with their exemplars."""
    buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
    below = 0
    for index, count in enumerate(values.counts):
        below += count
        bound = str(float(values.bounds[index])) if index < len(values.bounds) else "+Inf"
        found = exemplar(values, index)
        buckets.append((bound, below) if found is None else (bound, below, found))
    family.add_metric(labels, buckets, sum_value=values.total)


def exemplar(values: Histogram, index: int) -> Exemplar | None:
    """Return the trace that shows a value of this bucket, if there is one."""
    found = values.exemplars.get(index)
    return None if found is None else Exemplar({"trace_id": found[0]}, found[1], found[2])
