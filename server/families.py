"""Metric families of prometheus_client, made of plain numbers."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from chat.histogram import Histogram
from server.histograms import HistogramFamily


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
    family = HistogramFamily(name, text)
    family.add({}, values)
    return family
