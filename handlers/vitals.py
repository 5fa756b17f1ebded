"""How this node is: the one state that readiness, metrics and the console read."""

from collections import Counter
from typing import Final

from chat.histogram import LATENCIES, Histogram

CANARY_S: Final = 5.0
# Three canaries in a row that did not come back: longer than any failover, and than the hold.
MISSED: Final = 3


class Vitals:
    """What the node measures of itself; seconds of the monotonic clock."""

    __slots__ = ("_returned", "canary", "canary_runs", "lag", "lags")

    def __init__(self) -> None:
        self.lag: float | None = None  # how late the event loop woke last, once it is measured
        self.lags = Histogram(LATENCIES)
        self.canary = Histogram(LATENCIES)  # from its publish until it was heard here
        self.canary_runs: Counter[str] = Counter()  # "returned", or why it did not
        self._returned: float | None = None

    def woke(self, late: float) -> None:
        """The loop woke so late."""
        self.lag = late
        self.lags.record(late)

    def start(self, now: float) -> None:
        """The first canary is awaited from now on."""
        self._returned = now

    def returned(self, now: float, seconds: float) -> None:
        """A canary came back after so long."""
        self._returned = now
        self.canary.record(seconds)
        self.canary_runs["returned"] += 1

    def missed(self, why: str) -> None:
        """A canary did not come back in time."""
        self.canary_runs[why] += 1

    def canary_age(self, now: float) -> float:
        """Return how long ago the last one came back; 0.0 before the first one is awaited."""
        return 0.0 if self._returned is None else now - self._returned

    def mute(self, now: float, up_since: float) -> bool:
        """Tell whether messages do not come round although the storage has been up since then."""
        return min(self.canary_age(now), now - up_since) > (MISSED + 1) * CANARY_S
