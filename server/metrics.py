"""Metrics: what the parts have counted, read when somebody asks, in the Prometheus formats."""

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from chat.histogram import Histogram
from handlers.node import Node

ATTEMPT_ERRORS: Final = frozenset({"full", "per_ip", "handshakes", "bad_handshake"})


class NodeCollector(Collector):
    """Reads one node. Names are OpenTelemetry's, turned by its rule for Prometheus.

    Never a label: room, user, address of a client, raw path, text of an exception.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of the node."""
        yield from self._connections()
        yield from self._messages()
        yield from self._errors()
        yield from self._requests()

    def _connections(self) -> Iterator[Metric]:
        node = self._node
        yield gauge("chat_connection_active", "Open connections", node.gate.active)
        attempts = CounterMetricFamily(
            "chat_connection_attempts", "Handshakes", labels=["outcome", "error_type"]
        )
        for reason, count in node.statistics.attempts.items():
            refused = reason in ATTEMPT_ERRORS
            labels = ["refused", reason] if refused else ["accepted", ""]
            attempts.add_metric(labels, count)
        yield attempts
        yield counters(
            "chat_subscriber_evictions",
            "Connections that the server closed",
            "reason",
            node.statistics.evictions.items(),
        )
        yield counters(
            "chat_resume_requests", "Joins by outcome", "outcome", node.statistics.joins.items()
        )

    def _messages(self) -> Iterator[Metric]:
        tally, statistics = self._node.hub.tally, self._node.statistics
        yield histogram(
            "chat_message_ack_duration_seconds", "From a publish read to its ack", statistics.acks
        )
        delivery = HistogramMetricFamily(
            "chat_message_delivery_duration_seconds",
            "From an event's time in the log to its way out",
            labels=["delivery_mode"],
        )
        add(delivery, ["live"], tally.delivery)
        yield delivery
        yield histogram("chat_fanout_size", "Live listeners of a flush", tally.fanout)
        yield CounterMetricFamily(
            "chat_message_deliveries", "Events times listeners", tally.deliveries
        )
        yield gauge(
            "chat_eventloop_lag_seconds", "How late the loop woke last", self._node.lag or 0
        )

    def _errors(self) -> Iterator[Metric]:
        errors = CounterMetricFamily(
            "chat_server_errors", "Refusals by command", labels=["operation", "error_type"]
        )
        for (operation, code), count in self._node.statistics.errors.items():
            errors.add_metric([operation, code], count)
        yield errors

    def _requests(self) -> Iterator[Metric]:
        requests = HistogramMetricFamily(
            "http_server_request_duration_seconds",
            "HTTP requests by route",
            labels=["http_request_method", "http_route", "http_response_status_code"],
        )
        for (method, route, status), durations in self._node.statistics.requests.items():
            add(requests, [method, route, str(status)], durations)
        yield requests


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
