"""What waits for its commit: in order, bounded in count, bytes and time."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable
from itertools import islice
from typing import Final

import msgspec

from chat.errors import Unavailable
from chat.log import Answer, Draft, Receipt
from resilience.answering import give

# Of the hold time: so the answer is out, over a slow loop and a socket, within it.
MARGIN: Final = 0.03


class Held(msgspec.Struct, eq=False):
    """A draft, whom to answer, and until when; `tries` counts those that may have appended it.

    What stood in its room up to `past` before the first of them, none of them has appended.
    """

    draft: Draft
    size: int
    answer: Answer
    since: float
    deadline: float
    tries: int = 0
    past: int = 0
    answered: bool = False


class _Resting(msgspec.Struct, eq=False):
    """What a room holds that is left out for a while, in order, and what ends that."""

    end: asyncio.TimerHandle
    helds: list[Held]


class Budget:
    """How much all lanes together may hold."""

    def __init__(self, messages: int, size: int) -> None:
        self._most, self._most_bytes = messages, size
        self.messages = 0
        self.bytes = 0
        self.peak = 0
        self.refused = 0

    def take(self, size: int) -> bool:
        """Take one message in, unless the bound is reached."""
        if self.messages >= self._most or self.bytes + size > self._most_bytes:
            self.refused += 1
            return False
        self.messages += 1
        self.bytes += size
        if self.messages > self.peak:  # noqa: PLR1730 - a call of max() is ten times as dear
            self.peak = self.messages
        return True

    def free(self, size: int) -> None:
        """One is answered."""
        self.messages -= 1
        self.bytes -= size


class Holding:
    """The queue of one lane; `wake` is set when there is something to send."""

    def __init__(self, budget: Budget, hold_s: float) -> None:
        self._budget = budget
        self._hold_s = hold_s * (1 - MARGIN)
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Held] = deque()
        # All not answered, as they came: so by deadline.
        self._order: OrderedDict[Held, None] = OrderedDict()
        self._resting: dict[str, _Resting] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.wake = asyncio.Event()
        self.expired = 0
        self._closed: str | None = None

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def oldest(self) -> float | None:
        """Since when the oldest unanswered waits, by the loop's clock."""
        first = self._first
        return None if first is None else first.since

    @property
    def _first(self) -> Held | None:
        return next(iter(self._order), None)

    def add(self, draft: Draft, answer: Answer) -> bool:
        """Take a draft in; full: refuse it at once, which is False."""
        size = draft.size
        if self._closed is not None or not self._budget.take(size):
            give(answer, Unavailable(self._closed or "too much is held"))
            return False
        now = self._loop.time()
        held = Held(draft, size, answer, now, now + self._hold_s)
        if not self._queue:
            self.wake.set()
        self._queue.append(held)
        self._order[held] = None
        if self._timer is None:
            self._timer = self._loop.call_at(held.deadline, self._expire)
        return True

    def rooms(self, most: int) -> set[str]:
        """Return the rooms of the next so many to be taken."""
        return {held.draft.room for held in islice(self._queue, most)}

    def take(self, most: int) -> list[Held]:
        """Take up to so many out, in order, without those of rooms that rest."""
        taken: list[Held] = []
        while self._queue and len(taken) < most:
            held = self._queue.popleft()
            resting = self._resting.get(held.draft.room)
            if resting is not None:
                resting.helds.append(held)
            elif not held.answered:
                held.tries += 1
                taken.append(held)
        return taken

    @property
    def rests(self) -> bool:
        """Whether a room is left out of what is taken."""
        return bool(self._resting)

    def rest(self, room: str, seconds: float) -> None:
        """Leave a room out of what is taken, for so long; the others need not wait for it."""
        if room not in self._resting:
            end = self._loop.call_later(seconds, self._resume, room)
            self._resting[room] = _Resting(end, [])

    def _resume(self, room: str) -> None:
        self._queue.extendleft(reversed(self._resting.pop(room).helds))
        self.wake.set()

    def put_back(self, batch: Iterable[Held]) -> None:
        """Let those of a batch be sent again that are not answered, before all others, in order."""
        self._shift()
        self._queue.extendleft(reversed([held for held in batch if not held.answered]))
        if self._queue:
            self.wake.set()

    def answer(self, held: Held, outcome: Receipt | Exception) -> None:
        """Answer one, once."""
        if held.answered:
            return
        held.answered = True
        self._order.pop(held, None)
        self._budget.free(held.size)
        give(held.answer, outcome)

    def close(self, reason: str) -> None:
        """Refuse what is not answered and whatever comes."""
        self._closed = reason
        for held in list(self._order):
            self.answer(held, Unavailable(reason))
        self._queue.clear()
        for resting in self._resting.values():
            resting.end.cancel()
        self._resting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _shift(self) -> None:
        """Let go of what is answered: those whose time is over stand before the others.

        Only what a room brings back from its rest may stand before an older one, until it is taken.
        """
        while self._queue and self._queue[0].answered:
            self._queue.popleft()

    def _expire(self) -> None:
        """Answer those whose time is over; the outcome of one that was sent is unknown."""
        self._timer = None
        now = self._loop.time()
        while (first := self._first) is not None and first.deadline <= now:
            self.expired += 1
            self.answer(first, Unavailable("held too long"))
        self._shift()
        if first is not None:
            self._timer = self._loop.call_at(first.deadline, self._expire)
