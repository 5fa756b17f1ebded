"""One connection in its rooms: joins, leaves and typing, carried out in order per room."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from chat import closes
from chat.commands import Join, Leave, Typing
from chat.errors import Refusal
from chat.frames import Ack, Left, TypingSignal, encode
from chat.presence import Signals
from handlers.joining import BrokenOffError, Joining, Rejoin
from handlers.peer import Peer

WAITING: Final = 16  # commands for one room that wait for its join
TYPING_TTL_MS: Final = 6_000  # three times the shortest distance between two signals

RoomAction = Join | Leave | Typing
Refuse = Callable[[RoomAction, Exception], None]


class Expulsion(Leave, frozen=True, kw_only=True):
    """A leave that a new token demands."""


class Attendance:
    """The rooms of one connection.

    A join waits for the log; while it does, later commands for the same room queue behind it, in
    a task of that room's own. Without one, a command is carried out at once. `refuse` answers a
    command that failed; `moved` is told that the connection is in other rooms now.
    """

    __slots__ = ("_joining", "_moved", "_peer", "_queues", "_refuse", "_signals", "_tasks")

    def __init__(
        self,
        peer: Peer,
        joining: Joining,
        signals: Signals,
        refuse: Refuse,
        moved: Callable[[], None],
    ) -> None:
        self._peer = peer
        self._joining = joining
        self._signals = signals
        self._refuse = refuse
        self._moved = moved
        self._queues: dict[str, deque[tuple[RoomAction, float]]] = {}  # and since when they wait
        self._tasks: set[asyncio.Task[None]] = set()
        peer.outbox.resync = self._resync

    def submit(self, command: RoomAction) -> None:
        """Carry a command out, now or after what the room is busy with."""
        queue = self._queues.get(command.room)
        if queue is not None:
            if len(queue) >= WAITING:
                raise Refusal("rate_limited", "a join of this room is in progress", retry_ms=1000)
            self._queue(command)
        elif isinstance(command, Join):
            self._start(command)
        else:
            self._act(command)

    def expel(self) -> None:
        """Leave the rooms that a new token permits no more."""
        letters = self._peer.session.signed_in.letters
        for room in [r for r in self._peer.session.rooms if "r" not in letters(r)]:
            if room in self._queues:
                self._queue(Expulsion(room=room))
            else:
                self._leave(Expulsion(room=room))

    async def close(self) -> None:
        """Leave every room; nothing of this connection runs afterwards."""
        self._peer.outbox.resync = lambda _: None
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for room in list(self._peer.session.rooms):
            self._joining.leave(room)

    def _start(self, join: Join) -> None:
        self._peer.session.rooms.add(join.room)  # counted before the next one is admitted
        self._queues[join.room] = deque()
        self._queue(join)
        task = asyncio.create_task(self._work(join.room))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _queue(self, command: RoomAction) -> None:
        self._queues[command.room].append((command, self._joining.now()))

    async def _work(self, room: str) -> None:
        queue = self._queues[room]
        try:
            while queue:
                await self._carry_out(*queue[0])
                queue.popleft()
        finally:
            del self._queues[room]

    async def _carry_out(self, command: RoomAction, since: float) -> None:
        try:
            if isinstance(command, Join):
                await self._joining.join(command, since)
                self._moved()
            else:
                self._act(command)
        except Exception as error:  # noqa: BLE001 - answered, and logged, by the connection
            if not isinstance(command, Rejoin) and not isinstance(error, BrokenOffError):
                self._refuse(command, error)
            elif "r" in self._peer.session.signed_in.letters(command.room):
                self._peer.outbox.close(closes.RESYNC)  # else the expulsion behind it says all

    def _act(self, command: Leave | Typing) -> None:
        if isinstance(command, Leave):
            self._leave(command)
            return
        self._peer.session.require_joined(command.room)  # the join before it may have failed
        user = self._peer.session.signed_in.sub
        signal = TypingSignal(room=command.room, user=user, on=command.on, ttl_ms=TYPING_TTL_MS)
        self._signals.send(command.room, encode(signal))
        if command.id is not None:
            self._peer.send(Ack(id=command.id, room=command.room))

    def _leave(self, command: Leave) -> None:
        self._joining.leave(command.room)
        self._moved()
        reason = "forbidden" if isinstance(command, Expulsion) else "left"
        self._peer.send(Left(id=command.id, room=command.room, reason=reason))

    def _resync(self, room: str) -> None:
        """The room's history was lost: bring the connection back in, or have it reconnect."""
        join = self._joining.rejoin(room)
        if join is None:
            return
        queue = self._queues.get(room)
        if queue is None:
            self._start(join)
        elif len(queue) < WAITING:
            self._queue(join)
        else:
            self._peer.outbox.close(closes.RESYNC)
