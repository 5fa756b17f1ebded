"""The node's own metrics: its state, its loop, its canary, its spans."""

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

from handlers.health import STATES, readiness
from handlers.node import Node
from server.families import counters, gauge, histogram
from server.spans import SpanCounts


def node_metrics(node: Node) -> Iterator[Metric]:
    """Yield what the node measures of itself, from the same state as readiness."""
    vitals = node.vitals
    yield InfoMetricFamily("chat_node", "This process", value={"node": node.engine.node})
    status = GaugeMetricFamily("chat_node_status", "1 for what readiness says", labels=["status"])
    now = readiness(node)
    for state in STATES:
        status.add_metric([state], state == now)
    yield status
    yield histogram("chat_eventloop_lag_seconds", "How late the loop woke", vitals.lags)
    yield histogram(
        "chat_canary_duration_seconds", "From a canary's publish until it was heard", vitals.canary
    )
    yield counters(
        "chat_canary_runs", "Canaries by what became of them", "outcome", vitals.canary_runs.items()
    )
    yield gauge(
        "chat_canary_age_seconds",
        "How long ago the last canary came back",
        vitals.canary_age(node.now()),
    )


def span_metrics(counts: SpanCounts) -> Iterator[Metric]:
    """Yield what became of the spans."""
    family = CounterMetricFamily("chat_trace_spans", "Spans by outcome", labels=["outcome"])
    family.add_metric(["exported"], counts.exported)
    family.add_metric(["failed"], counts.failed)
    family.add_metric(["dropped"], counts.dropped)
    yield family
