"""The log in memory: appends of one turn of the loop are decided together, then told together."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from chat.engine import Listener
from chat.errors import Refusal, Unavailable
from chat.log import Draft, Event, Page, Position, Receipt
from chat.session import ceil_ms
from resilience.keys_memory import Keys
from resilience.options import EngineOptions
from resilience.rates_memory import Rates

BATCH: Final = 1_024  # appends decided at once: 5 ms of work; a turn with more makes two of it

Answer = asyncio.Future[Receipt]


class RoomLog:
    """The newest `history` events of a room, in a ring: `seq` stands at (seq - 1) mod `history`."""

    __slots__ = ("_history", "_ring", "head", "ts")

    def __init__(self, history: int) -> None:
        self._history = history
        self._ring: list[Event] = []
        self.head = 0
        self.ts = 0

    def __len__(self) -> int:
        return len(self._ring)

    @property
    def tail(self) -> int:
        """The first seq that is still kept; head + 1 when there is none."""
        return self.head - len(self) + 1

    def add(self, draft: Draft, wall: int) -> Event:
        """Give the draft the next place; the time of a room never goes back."""
        self.head += 1
        self.ts = max(self.ts, wall)
        event = Event(self.head, draft.payload(self.head, self.ts))
        if len(self) < self._history:
            self._ring.append(event)
        else:
            self._ring[(self.head - 1) % self._history] = event
        return event

    def slice(self, first: int, last: int) -> list[Event]:
        """Return the events from `first` to `last`, both kept."""
        return [self._ring[(seq - 1) % self._history] for seq in range(first, last + 1)]


class MemoryLog:
    """The `MessageLog` of a single node without storage.

    All histories are as old as the process and end with it, so one `epoch` names them all.
    `clock` gives monotonic seconds, `wall` epoch milliseconds.
    """

    def __init__(
        self,
        listener: Listener,
        options: EngineOptions,
        *,
        epoch: str,
        clock: Callable[[], float],
        wall: Callable[[], int],
    ) -> None:
        self._listener = listener
        self._options = options
        self._epoch = epoch
        self._clock, self._wall = clock, wall
        self._loop = asyncio.get_running_loop()
        self._rooms: dict[str, RoomLog] = {}
        self._keys = Keys(options.dedup_s, options.keys)
        self._rates = Rates(*options.publish)
        self._pending: list[tuple[Draft, Answer]] = []
        self._closed = False
        self.followed: set[str] = set()

    def append(self, draft: Draft) -> Answer:
        """Append in the next turn of the loop, with all that gathers until then."""
        answer: Answer = self._loop.create_future()
        if self._closed:
            answer.set_exception(Unavailable("the storage is closed"))
            return answer
        if not self._pending:
            self._loop.call_soon(self.commit)
        self._pending.append((draft, answer))
        if len(self._pending) >= BATCH:
            self.commit()
        return answer

    def commit(self) -> None:
        """Decide what is pending, answer it, then tell the listener, once per room."""
        pending, self._pending = self._pending, []
        now, wall = self._clock(), self._wall()
        events: dict[str, list[Event]] = {}
        for draft, answer in pending:
            try:
                receipt = self._decide(draft, now, wall, events)
            except Refusal as refusal:
                if not answer.done():
                    answer.set_exception(refusal)
            else:
                if not answer.done():
                    answer.set_result(receipt)
        for room, fresh in events.items():
            if room in self.followed:
                self._listener.committed(room, self._epoch, fresh)

    def _decide(
        self, draft: Draft, now: float, wall: int, events: dict[str, list[Event]]
    ) -> Receipt:
        before = self._keys.find(draft, now)
        if before is not None:
            if before.digest != draft.digest:
                raise Refusal("conflict", "the same cid with other content", field="cid")
            return Receipt(before.seq, before.ts, dup=True)
        self._charge(draft.user, now)
        log = self._rooms.get(draft.room)
        if log is None:
            log = self._rooms[draft.room] = RoomLog(self._options.history)
        event = log.add(draft, wall)
        self._keys.add(draft, event.seq, log.ts, now)
        events.setdefault(draft.room, []).append(event)
        return Receipt(event.seq, log.ts)

    def _charge(self, user: str, now: float) -> None:
        wait = self._rates.spend(user, now)
        if wait:
            limit, seconds = self._options.publish
            raise Refusal("rate_limited", f"{limit} per {seconds:g} s", retry_ms=ceil_ms(wait))

    async def read(
        self, room: str, *, after: int | None = None, before: int | None = None, limit: int
    ) -> Page:
        """Return a page; nothing to wait for, so never `Unavailable`."""
        log = self._rooms.get(room)
        if log is None:
            return Page(self._epoch, 1, 0, ())
        return Page(self._epoch, log.tail, log.head, _choose(log, after, before, limit))

    async def follow(self, room: str) -> Position:
        """Hear the room from its present head on."""
        self.followed.add(room)
        log = self._rooms.get(room)
        return Position(self._epoch, log.head if log is not None else 0)

    def unfollow(self, room: str) -> None:
        """Hear the room no more."""
        self.followed.discard(room)

    def statistics(self) -> dict[str, int]:
        """Return what is kept: rooms, their events, idempotency keys, users with a rate."""
        return {
            "rooms": len(self._rooms),
            "events": sum(len(log) for log in self._rooms.values()),
            "keys": len(self._keys),
            "users": len(self._rates),
        }

    def close(self) -> None:
        """Settle what is pending; refuse what comes later."""
        self.commit()
        self._closed = True


def _choose(log: RoomLog, after: int | None, before: int | None, limit: int) -> Sequence[Event]:
    """Apply the three ways of `MessageLog.read` to what is kept."""
    if after is not None:
        first = max(after + 1, log.tail)
        return log.slice(first, min(first + limit - 1, log.head))
    last = log.head if before is None else min(before - 1, log.head)
    return log.slice(max(last - limit + 1, log.tail), last)
