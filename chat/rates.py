"""Rates in memory: one exact window for each name, of a user or an address, that came lately."""

from collections import OrderedDict
from typing import Final

from chat.rate import Window

_FORGOTTEN: Final = 2  # quiet names dropped per spend: more than come, so they get fewer


class Rates:
    """At most `limit` spends of one name in any `seconds`; times are of one monotonic clock."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._windows: OrderedDict[str, Window] = OrderedDict()  # who spent last stands last

    def __len__(self) -> int:
        return len(self._windows)

    def wait(self, name: str, now: float) -> float:
        """Return the seconds until a spend would be allowed; 0.0 when it is now."""
        window = self._windows.get(name)
        return 0.0 if window is None else window.wait(now)

    def spend(self, name: str, now: float) -> float:
        """Spend one for the name and return 0.0, or return the seconds to wait."""
        window = self._windows.get(name)
        if window is None:
            window = self._windows[name] = Window(self._limit, self._seconds)
        wait = window.spend(now)
        if wait == 0.0:
            self._windows.move_to_end(name)
            self._forget(now)
        return wait

    def _forget(self, now: float) -> None:
        for _ in range(min(_FORGOTTEN, len(self) - 1)):
            name, window = next(iter(self._windows.items()))
            if window.idle_at > now:
                return
            del self._windows[name]
