"""The storage's metrics: is it there, who is master, what waits, how long it was away."""

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

from chat.engine import Statistics
from handlers.node import Node
from server.families import counters, gauge, histogram


def storage_metrics(node: Node) -> Iterator[Metric]:
    """Yield the metrics of the node's engine."""
    counted = node.engine.statistics()
    yield gauge("chat_redis_up", "Whether the storage can be written", node.engine.storage.up)
    yield gauge("chat_feed_deaf", "Whether other nodes' messages come late", counted.deaf)
    breaches = GaugeMetricFamily(
        "chat_storage_breach", "1 for what is set up against the promise", labels=["check"]
    )
    for check in counted.breaches:
        breaches.add_metric([check], 1)
    yield breaches
    yield from _held(counted)
    yield from _failovers(counted)
    yield from _topology(counted)
    yield CounterMetricFamily("chat_feed_gaps", "Gaps of the feed, filled", counted.gaps)
    yield CounterMetricFamily(
        "chat_feed_garbled", "Records and news that made no sense", counted.garbled
    )
    yield counters(
        "chat_redis_errors", "Refusals by Redis", "error_type", list(counted.errors.items())
    )


def _held(counted: Statistics) -> Iterator[Metric]:
    yield gauge("chat_publish_held", "Publishes that wait for their commit", counted.held)
    yield gauge("chat_publish_held_oldest_seconds", "Age of the oldest of them", counted.held_s)
    yield gauge("chat_publish_held_peak", "The most there ever were", counted.held_peak)
    yield histogram("chat_commit_batch_size", "Messages of a commit", counted.batches)


def _failovers(counted: Statistics) -> Iterator[Metric]:
    yield CounterMetricFamily("chat_redis_failovers", "Changes of the master", counted.failovers)
    yield CounterMetricFamily(
        "chat_redis_unavailable_time_seconds",
        "Time without a storage that could be written, the present one too",
        counted.unavailable_s + counted.away_s,
    )
    yield histogram(
        "chat_redis_blackout_duration_seconds",
        "How long it was away each time",
        counted.blackouts,
    )


def _topology(counted: Statistics) -> Iterator[Metric]:
    master = InfoMetricFamily("chat_redis_master", "The master that this node trusts")
    if counted.master:
        master.add_metric([], {"address": counted.master})
    yield master
    yield gauge("chat_redis_replicas_insync", "Replicas that must have a message", counted.replicas)
    sentinels = GaugeMetricFamily("chat_sentinel_up", "Sentinels that answer", labels=["address"])
    for address, up in counted.sentinels.items():
        sentinels.add_metric([address], up)
    yield sentinels
