"""The log in memory: appends of one turn of the loop are decided together, then told together."""

import asyncio
from collections.abc import Callable
from typing import Final

from chat.engine import Listener
from chat.errors import Refusal, Unavailable
from chat.histogram import SIZES, Histogram
from chat.log import Answer, Draft, Event, MessageLog, Page, Position, Receipt
from chat.names import CANARY_ROOM
from chat.rate import ceil_ms
from chat.rates import Rates
from resilience.answering import give
from resilience.keys_memory import Appended, Keys
from resilience.options import EngineOptions
from resilience.room_memory import RoomLog

BATCH: Final = 1_024  # appends decided at once: 5 ms of work; a turn with more makes two of it


class MemoryLog(MessageLog):
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
        self._fresh: dict[str, list[Event]] = {}  # placed and not yet told, by room
        self._closed = False
        self.batches = Histogram(SIZES)  # appends decided together
        self.followed: set[str] = set()

    def submit(self, draft: Draft, answer: Answer) -> None:
        """Append in the next turn of the loop, with all that gathers until then."""
        if self._closed:
            give(answer, Unavailable("the storage is closed"))
            return
        if not self._pending:
            self._loop.call_soon(self.commit)
        self._pending.append((draft, answer))
        if len(self._pending) >= BATCH:
            self.commit()

    def commit(self) -> None:
        """Decide what is pending and answer it, then tell the listener, once per room."""
        pending, self._pending = self._pending, []
        now, wall = self._clock(), self._wall()
        self.batches.record(len(pending))
        for draft, answer in pending:
            give(answer, self._decide(draft, now, wall))
        fresh, self._fresh = self._fresh, {}
        for room, events in fresh.items():
            if room in self.followed:
                self._listener.committed(room, self._epoch, events)

    def _decide(self, draft: Draft, now: float, wall: int) -> Receipt | Refusal:
        """Look at the key, then at the rate, then give a place."""
        known = self._keys.find(draft, now)
        if known is not None:
            return _repeated(draft, known)
        wait = self._rates.spend(draft.user, now)
        if wait:
            limit, seconds = self._options.publish
            return Refusal("rate_limited", f"{limit} per {seconds:g} s", retry_ms=ceil_ms(wait))
        receipt = self._place(draft, wall)
        self._keys.add(draft, receipt, now)
        return receipt

    def _place(self, draft: Draft, wall: int) -> Receipt:
        room = self._rooms.get(draft.room)
        if room is None:
            room = self._rooms[draft.room] = RoomLog(self._options.history)
        event = room.add(draft, wall)
        self._fresh.setdefault(draft.room, []).append(event)
        return Receipt(event.seq, room.ts)

    async def read(
        self, room: str, *, after: int | None = None, before: int | None = None, limit: int
    ) -> Page:
        """Return a page; nothing to wait for, so never `Unavailable`."""
        log = self._rooms.get(room)
        if log is None:
            return Page(self._epoch, 1, 0, ())
        return Page(self._epoch, log.tail, log.head, log.read(after, before, limit))

    async def follow(self, room: str) -> Position:
        """Hear the room from its present head on."""
        self.followed.add(room)
        log = self._rooms.get(room)
        return Position(self._epoch, log.head if log is not None else 0)

    def unfollow(self, room: str) -> None:
        """Hear the room no more."""
        self.followed.discard(room)

    def statistics(self) -> dict[str, int]:
        """Return what is kept: rooms, their events, idempotency keys, users with a rate.

        Of the servers' own room only the keys and the users, who pass with time.
        """
        rooms = [log for name, log in self._rooms.items() if name != CANARY_ROOM]
        return {
            "rooms": len(rooms),
            "events": sum(map(len, rooms)),
            "keys": len(self._keys),
            "users": len(self._rates),
        }

    def close(self) -> None:
        """Settle what is pending; refuse what comes later."""
        self.commit()
        self._closed = True


def _repeated(draft: Draft, known: Appended) -> Receipt | Refusal:
    """Answer a draft whose key has been used: for itself, or for other content."""
    if known.digest != draft.digest:
        return Refusal("conflict", "the same cid with other content", field="cid")
    return Receipt(known.receipt.seq, known.receipt.ts, dup=True)
