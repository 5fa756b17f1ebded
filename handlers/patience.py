"""How long the joins of a connection wait for the storage, however many there are."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from chat.errors import Unavailable


class Patience:
    """Deadlines by a clock that stands still while the connection's reader is waited for.

    A slow reader is no outage, and who waits for a turn waits for the reader too. `hold_s`: how
    long anything may wait for the storage.
    """

    __slots__ = ("_ends", "_hold_s", "_loop", "_stands_at", "_stood_s", "_waiting")

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._loop = asyncio.get_running_loop()
        self._ends: dict[asyncio.Timeout, float] = {}
        self._stood_s = 0.0
        self._stands_at = 0.0
        self._waiting = 0  # so many wait for the reader

    def now(self) -> float:
        """Return the clock's seconds."""
        return self._stands_at if self._waiting else self._loop.time() - self._stood_s

    @asynccontextmanager
    async def held(self, since: float) -> AsyncIterator[asyncio.Timeout]:
        """Raise `Unavailable` in what is not over in the hold time from `since`, unless lifted."""
        deadline = asyncio.timeout(None)
        try:
            async with deadline:
                self._ends[deadline] = since + self._hold_s
                self._schedule(deadline)
                yield deadline
        except TimeoutError:
            raise Unavailable from None
        finally:
            self._ends.pop(deadline, None)

    def lift(self, deadline: asyncio.Timeout) -> None:
        """Let something take its time from now on."""
        if self._ends.pop(deadline, None) is not None:
            deadline.reschedule(None)

    @contextmanager
    def waiting_for_reader(self) -> Iterator[None]:
        """Let the clock stand still meanwhile."""
        self._stands_at = self.now()
        self._waiting += 1
        if self._waiting == 1:
            self._schedule_all()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._stood_s = self._loop.time() - self._stands_at
                self._schedule_all()

    def _schedule_all(self) -> None:
        for deadline in self._ends:
            if not deadline.expired():  # its task is about to hear of it
                self._schedule(deadline)

    def _schedule(self, deadline: asyncio.Timeout) -> None:
        end = self._ends[deadline] + self._stood_s
        deadline.reschedule(None if self._waiting else end)
