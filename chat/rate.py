"""Rate arithmetic: never more than N in any window, told to the millisecond when to come back."""

from collections import deque


class Window:
    """At most `limit` spends in *any* `seconds`: the N-th last must be out of the window.

    Exact, unlike a token bucket, which lets 2 N through around a refill. Times are seconds of
    one monotonic clock; memory is at most `limit` floats.
    """

    __slots__ = ("_seconds", "_times")

    def __init__(self, limit: int, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque(maxlen=limit)

    def wait(self, now: float) -> float:
        """Return the seconds until a spend would be allowed; 0.0 when it is now."""
        times = self._times
        if len(times) < (times.maxlen or 0):
            return 0.0
        return max(0.0, times[0] + self._seconds - now)

    def spend(self, now: float) -> float:
        """Spend one if allowed and return 0.0, else return the seconds to wait."""
        wait = self.wait(now)
        if wait == 0.0:
            self._times.append(now)
        return wait

    @property
    def idle_at(self) -> float:
        """The time from which this window holds nothing that matters."""
        return self._times[-1] + self._seconds if self._times else 0.0
