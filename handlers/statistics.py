"""What the edge counts, for metrics and the console to read: plain numbers, no metrics library."""

from collections import Counter
from collections.abc import Iterable

from chat.commands import COMMANDS
from chat.histogram import LATENCIES, Histogram
from chat.log import Event, ts_of


class EdgeStatistics:
    """Counts of this node since it started; durations in seconds."""

    __slots__ = (
        "acks",
        "attempts",
        "errors",
        "evictions",
        "joins",
        "rejections",
        "replayed",
        "requests",
    )

    def __init__(self) -> None:
        self.acks = Histogram(LATENCIES)  # from a publish decoded to its ack handed over
        self.attempts: Counter[str] = Counter()  # connections: "accepted", or why they were not
        # (command, code); incidents from 0 on: an alert asks for the increase, and sees the first.
        self.errors = Counter({(each.__name__.lower(), "internal"): 0 for each in COMMANDS})
        self.evictions: Counter[str] = Counter()  # by the name of the close
        self.joins: Counter[str] = Counter()  # "fresh", "resumed", or the reset's reason
        self.rejections: Counter[str] = Counter()  # of a rate, by its scope
        self.replayed = Histogram(LATENCIES)  # from a missed event's ts until it was sent again
        self.requests: dict[tuple[str, str, int], Histogram] = {}  # (method, template, status)

    def replay(self, events: Iterable[Event], now_ms: int) -> None:
        """Count events that a resumed connection had missed."""
        for event in events:
            self.replayed.record(max(0, now_ms - ts_of(event.payload)) / 1000)

    def request(self, method: str, template: str, status: int, seconds: float) -> None:
        """Count an HTTP request; templates are few, so the dictionary is bounded."""
        key = (method, template, status)
        histogram = self.requests.get(key)
        if histogram is None:
            histogram = self.requests[key] = Histogram(LATENCIES)
        histogram.record(seconds)
