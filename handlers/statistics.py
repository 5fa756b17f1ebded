"""What the edge counts, for metrics and the console to read: plain numbers, no metrics library."""

from collections import Counter

from chat.histogram import LATENCIES, Histogram


class EdgeStatistics:
    """Counts of this node since it started; durations in seconds."""

    __slots__ = ("acks", "attempts", "errors", "evictions", "joins", "requests")

    def __init__(self) -> None:
        self.acks = Histogram(LATENCIES)  # from a publish decoded to its ack handed over
        self.attempts: Counter[str] = Counter()  # connections: "accepted", or why they were not
        self.errors: Counter[tuple[str, str]] = Counter()  # (command, code)
        self.evictions: Counter[str] = Counter()  # by the name of the close
        self.joins: Counter[str] = Counter()  # "fresh", "resumed", or the reset's reason
        self.requests: dict[tuple[str, str, int], Histogram] = {}  # (method, template, status)

    def request(self, method: str, template: str, status: int, seconds: float) -> None:
        """Count an HTTP request; templates are few, so the dictionary is bounded."""
        key = (method, template, status)
        histogram = self.requests.get(key)
        if histogram is None:
            histogram = self.requests[key] = Histogram(LATENCIES)
        histogram.record(seconds)
