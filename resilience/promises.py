"""Answers that are owed within one and the same time: one timer for all of them."""

import asyncio
from collections import deque
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
        self._order: deque[tuple[float, asyncio.Future[T]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def new(self) -> asyncio.Future[T]:
        """Return one that has its time from now."""
        self._shift()
        future: asyncio.Future[T] = self._loop.create_future()
        deadline = self._loop.time() + self._seconds
        self._order.append((deadline, future))
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._expire)
        return future

    def _shift(self) -> None:
        while self._order and self._order[0][1].done():
            self._order.popleft()

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        self._shift()
        while self._order and self._order[0][0] <= now:
            self._order.popleft()[1].set_exception(Unavailable())
            self._shift()
        if self._order:
            self._timer = self._loop.call_at(self._order[0][0], self._expire)
