"""Metrics: what the parts have counted, read when somebody asks, in the Prometheus formats."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from handlers.node import Node
from server.families import counters, gauge, histogram
from server.histograms import HistogramFamily
from server.node_metrics import node_metrics, span_metrics
from server.spans import SpanCounts
from server.storage_metrics import storage_metrics

ATTEMPT_ERRORS: Final = frozenset(
    {"full", "per_ip", "unauthenticated", "handshakes", "bad_handshake"}
)


class NodeCollector(Collector):
    """Reads one node. Names are OpenTelemetry's, turned by its rule for Prometheus.

    Never a label: room, user, address of a client, raw path, text of an exception.
    """

    def __init__(self, node: Node, spans: SpanCounts) -> None:
        self._node = node
        self._spans = spans

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of the node."""
        yield from self._connections()
        yield from self._messages()
        yield from self._errors()
        yield from self._requests()
        yield from storage_metrics(self._node)
        yield from node_metrics(self._node)
        yield from span_metrics(self._spans)

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
        delivery = HistogramFamily(
            "chat_message_delivery_duration_seconds",
            "From an event's time in the log to its way out",
        )
        delivery.add({"delivery_mode": "live"}, tally.delivery)
        delivery.add({"delivery_mode": "replay"}, statistics.replayed)
        yield delivery
        yield histogram("chat_fanout_size", "Live listeners of a flush", tally.fanout)
        yield CounterMetricFamily(
            "chat_message_deliveries", "Events times listeners", tally.deliveries
        )
        yield CounterMetricFamily(
            "chat_message_delivery_skewed", "Events from ahead of this clock", tally.skewed
        )

    def _errors(self) -> Iterator[Metric]:
        errors = CounterMetricFamily(
            "chat_server_errors", "Refusals by command", labels=["operation", "error_type"]
        )
        for (operation, code), count in self._node.statistics.errors.items():
            errors.add_metric([operation, code], count)
        yield errors
        yield counters(
            "chat_ratelimit_rejections",
            "Refusals of what came too often",
            "scope",
            self._node.statistics.rejections.items(),
        )

    def _requests(self) -> Iterator[Metric]:
        requests = HistogramFamily("http_server_request_duration_seconds", "HTTP requests by route")
        for (method, route, status), durations in self._node.statistics.requests.items():
            labels = {
                "http_request_method": method,
                "http_route": route,
                "http_response_status_code": str(status),
            }
            requests.add(labels, durations)
        yield requests
