"""Answers that are owed within one and the same time: one timer for all of them."""

import asyncio
from typing import Generic, TypeVar

from chat.errors import Unavailable

T = TypeVar("T")


class Promises(Generic[T]):
    """Futures that raise `Unavailable` if they are not answered in time.

    All have as long, so they end in the order in which they came; a timer for each would cost
    more than most of them cost otherwise.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._owed: dict[asyncio.Future[T], float] = {}  # until when, in the order of their ends
        self._timer: asyncio.TimerHandle | None = None

    def new(self) -> asyncio.Future[T]:
        """Return one that has its time from now."""
        future: asyncio.Future[T] = self._loop.create_future()
        deadline = self._loop.time() + self._seconds
        self._owed[future] = deadline
        future.add_done_callback(self._owed.pop)
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._expire)
        return future

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        for future, deadline in self._owed.items():
            if deadline > now:
                self._timer = self._loop.call_at(deadline, self._expire)
                return
            if not future.done():
                future.set_exception(Unavailable())
