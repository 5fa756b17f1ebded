"""Bringing one connection into a room: hear the room, show the past, go live, without a gap."""

import asyncio
from typing import Final

from chat.catchup import Stretch, catch_up
from chat.claims import Claims
from chat.commands import Join
from chat.engine import Engine
from chat.errors import Refusal
from chat.frames import Events, Joined, PresenceView, User
from chat.hub import Hub
from chat.log import Position
from handlers.patience import Patience
from handlers.peer import Peer, wall_ms
from handlers.statistics import EdgeStatistics

MEMBERS: Final = 100  # members named in `joined`; the rest by REST
AT_ONCE: Final = 4  # catch-ups of one connection, each with a page in memory


class Seat:
    """A connection's place in a room: what it was shown when it joined, if it watches presence."""

    __slots__ = ("answered", "deadline", "shown", "watch")

    deadline: asyncio.Timeout

    def __init__(self, *, watch: bool) -> None:
        self.answered = False
        self.shown: Position | None = None
        self.watch = watch


class BrokenOffError(Exception):
    """A catch-up failed after its join was answered: only a reconnect can bring the rest."""


class Rejoin(Join, frozen=True, kw_only=True):
    """A join that the server began, because the room's history was lost."""


class Joining:
    """The way into rooms, and out, of one connection; `hold_s` is how long a join may wait."""

    __slots__ = ("_engine", "_hub", "_patience", "_peer", "_seats", "_statistics", "_turns")

    def __init__(
        self, engine: Engine, hub: Hub, peer: Peer, statistics: EdgeStatistics, hold_s: float
    ) -> None:
        self._statistics = statistics
        self._engine = engine
        self._hub = hub
        self._peer = peer
        self._seats: dict[str, Seat] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._patience = Patience(hold_s)

    def now(self) -> float:
        """Return the time, for a join that comes now: by it the storage must answer it."""
        return self._patience.now()

    async def join(self, join: Join, since: float) -> None:
        """Carry a join out that came at `since`; on any failure the connection is not in the room.

        It waits for the storage as long as may be held, for its turn and all; answered, it may take
        longer.
        """
        self._peer.session.rooms.add(join.room)
        seat = self._seats[join.room] = Seat(watch=join.presence)
        try:
            self._hub.enter(join.room, self._peer.outbox, watch=join.presence)
            async with self._patience.held(since) as seat.deadline:
                await self._hub.follow(self._engine.log, join.room)
                async with self._turns:
                    await self._show(join, first=True)
        except BaseException as error:
            self.leave(join.room)
            if seat.answered and isinstance(error, Refusal):
                raise BrokenOffError from error
            raise

    def rejoin(self, room: str) -> Rejoin | None:
        """Return the join of one whose history was lost; None: not in the room.

        From what it was shown on: should the epoch be another now, the log says so.
        """
        seat = self._seats.get(room)
        if seat is None:
            return None
        shown = seat.shown or Position("", 0)
        return Rejoin(room=room, presence=seat.watch, since=shown.seq, epoch=shown.epoch or None)

    def leave(self, room: str) -> None:
        """Leave a room; not being there is nothing."""
        self._hub.leave(self._engine.log, room, self._peer.outbox)
        self._engine.presence.leave(room, self._peer.conn)
        self._peer.session.forget(room)
        self._seats.pop(room, None)

    async def _show(self, join: Join, *, first: bool) -> None:
        """Send the past page by page, then go live where it ends, or go on from there."""
        shown = Position("", 0)
        async for stretch in catch_up(self._engine.log, join):
            with self._patience.waiting_for_reader():
                await self._peer.outbox.drained()
            await self._send(join, stretch, first=first)
            shown, first = stretch.end, False
        self._seats[join.room].shown = shown
        if not self._hub.settle(join.room, self._peer.outbox, shown):
            further = Join(room=join.room, since=shown.seq, epoch=shown.epoch)
            await self._show(further, first=False)

    def _permitted(self, join: Join) -> Claims:
        """Return the claims of now; `forbidden` if they take away what was asked for before."""
        claims = self._peer.session.signed_in
        claims.require(join.room, "r")
        return claims

    async def _send(self, join: Join, stretch: Stretch, *, first: bool) -> None:
        claims = self._permitted(join)
        raws = [event.raw for event in stretch.events]
        if join.since is not None and stretch.reset is None:
            self._statistics.replay(stretch.events, wall_ms())
        if not first and stretch.reset is None:
            if raws:
                self._peer.send(Events(room=join.room, events=raws, more=stretch.more))
            return
        fresh = "fresh" if join.since is None else "resumed"
        self._statistics.joins[stretch.reset or fresh] += 1
        presence = await self._enter_presence(join.room, claims)
        claims = self._permitted(join)
        joined = Joined(
            id=join.id if first else None,  # one terminal reply, whatever happens on the way
            room=join.room,
            epoch=stretch.page.epoch,
            tail=stretch.page.tail,
            head=stretch.page.head,
            events=raws,
            perm=claims.letters(join.room),
            more=stretch.more,
            reset=stretch.reset,
            presence=presence,
        )
        self._answer(self._seats[join.room], joined)

    def _answer(self, seat: Seat, joined: Joined) -> None:
        self._patience.lift(seat.deadline)
        seat.answered = True
        self._peer.send(joined)

    async def _enter_presence(self, room: str, claims: Claims) -> PresenceView | None:
        presence = self._engine.presence
        presence.enter(room, self._peer.conn, User(claims.sub, claims.name))
        return await presence.view(room, MEMBERS) if self._seats[room].watch else None
