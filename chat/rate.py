"""Rate arithmetic: never more than N in any window, told to the millisecond when to come back."""


class Window:
    """At most `limit` spends in *any* `seconds`: the N-th last must be out of the window.

    Exact, unlike a token bucket, which lets 2 N through around a refill. Times are seconds of
    one monotonic clock; memory is one float for each spend, at most `limit`, and none before.
    """

    __slots__ = ("_limit", "_oldest", "_seconds", "_times")

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._times: list[float] = []  # a ring once it is full; a deque costs 600 bytes empty
        self._oldest = 0

    def wait(self, now: float) -> float:
        """Return the seconds until a spend would be allowed; 0.0 when it is now."""
        if len(self._times) < self._limit:
            return 0.0
        return max(0.0, self._times[self._oldest] + self._seconds - now)

    def spend(self, now: float) -> float:
        """Spend one if allowed and return 0.0, else return the seconds to wait."""
        if len(self._times) < self._limit:
            self._times.append(now)
            return 0.0
        wait = self.wait(now)
        if wait == 0.0:
            self._times[self._oldest] = now
            self._oldest = (self._oldest + 1) % self._limit
        return wait

    @property
    def idle_at(self) -> float:
        """The time from which this window holds nothing that matters."""
        return self._times[self._oldest - 1] + self._seconds if self._times else 0.0


def ceil_ms(seconds: float) -> int:
    """Return milliseconds, rounded up: coming back after them is never too early."""
    return int(seconds * 1000) + 1
