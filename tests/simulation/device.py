"""A device: joins rooms, is shown events, loses its connection, and resumes where it stands."""

import asyncio
from random import Random
from typing import TYPE_CHECKING, Final

from chat.commands import Join
from chat.frames import Error, Events, Frame, Joined
from chat.limits import RESET_EVENTS
from tests.drills.history import Closed, Delivered, Entry, Place
from tests.drills.history import Joined as JoinedLine
from tests.simulation.client import Client
from tests.simulation.network import Host
from tests.simulation.tape import entry

if TYPE_CHECKING:
    from tests.simulation.world import World

_AGAIN_S: Final = (0.02, 0.5)
_PATIENCE_S: Final = 18.0  # the engine's hold time, and some


class _Seat:
    """What a device knows of one room."""

    def __init__(self) -> None:
        self.held: Place | None = None
        self.began = 0
        self.said: Place | None = None  # what it said it holds, in its last join
        self.history = 0
        self.epoch: str | None = None  # of its session, None outside of one


class Device(Host):
    """Follows all rooms of its world."""

    def __init__(self, name: str, world: "World", random: Random) -> None:
        super().__init__(name)
        self._world = world
        self._random = random
        self._seats = {room: _Seat() for room in world.rooms}
        self._client: Client | None = None
        self._ended: asyncio.Future[None] = world.loop.create_future()

    def reach(self, room: str) -> Place | None:
        """Return where it stands, None while it is not in the room."""
        seat = self._seats[room]
        return seat.held if seat.epoch is not None else None

    async def run(self) -> None:
        """Connect, stay a while, lose the connection, come back; stay once all is quiet."""
        world = self._world
        while True:
            node = await world.some_node(self._random)
            self._ended = world.loop.create_future()
            self._client = Client(node, self, self, world.number())
            for room in self._seats:
                self._join(room)
            await self._stay()
            self._hang_up()
            await asyncio.sleep(self._random.uniform(*_AGAIN_S))

    async def _stay(self) -> None:
        world = self._world
        restless = self._random.expovariate(world.shape.restless_per_s)
        await asyncio.wait({self._ended}, timeout=restless)
        if not self._ended.done() and world.is_quiet.is_set():
            await asyncio.wait({self._ended})

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.hang_up()
        self._world.tape.add(Closed(device=self.name, code=1006))
        for seat in self._seats.values():
            seat.epoch = None
            if self._random.random() < 0.1:
                seat.held = None

    def _join(self, room: str) -> None:
        client = self._client
        if client is None:
            return
        seat = self._seats[room]
        seat.began, seat.said = self._world.tape.now(), seat.held
        seat.history = self._random.choice((0, 2, 50))
        held = seat.held
        client.join(
            Join(
                id=room,
                room=room,
                since=held.seq if held else None,
                epoch=held.epoch if held else None,
                history=seat.history,
            )
        )

    def hear(self, client: Client, what: Frame | bytes) -> None:
        """Take what came."""
        if client is not self._client:
            return
        if isinstance(what, bytes):
            for payload in what.split(b"\n"):
                room = payload[payload.index(b'"room":"') + 8 :].partition(b'"')[0].decode()
                self._see(room, entry(payload), resume=False)
        elif isinstance(what, Joined):
            self._enter(what)
        elif isinstance(what, Events):
            for raw in what.events:
                self._see(what.room, entry(bytes(raw)), resume=True)
        elif isinstance(what, Error) and what.room is not None:
            pause = self._random.uniform(*_AGAIN_S)
            self._world.loop.call_later(pause, self._join_again, client, what.room)

    def _join_again(self, client: Client, room: str) -> None:
        if client is self._client:
            self._join(room)

    def lost(self, client: Client) -> None:
        """The connection is gone."""
        if client is self._client and not self._ended.done():
            self._ended.set_result(None)

    def _enter(self, joined: Joined) -> None:
        seat = self._seats[joined.room]
        since = seat.said
        if joined.id is None:  # the server brought us back in: it says `since` for us
            since = seat.held if joined.reset else self._resumed(seat, joined)
        fresh = since is None or joined.reset is not None
        owed = 0
        if fresh:
            owed = RESET_EVENTS if joined.reset else seat.history
            seat.held = Place(joined.epoch, max(0, joined.head - owed))
        seat.epoch = joined.epoch
        self._world.tape.add(
            JoinedLine(
                began=seat.began,
                device=self.name,
                room=joined.room,
                epoch=joined.epoch,
                head=joined.head,
                since=since,
                reset=joined.reset,
                owed=owed,
            )
        )
        for raw in joined.events:
            self._see(joined.room, entry(bytes(raw)), resume=True)

    def _resumed(self, seat: _Seat, joined: Joined) -> Place:
        """Return from where the server went on; a frame of its own accord does not say so."""
        held = seat.held.seq if seat.held is not None else 0
        first = entry(bytes(joined.events[0])).seq if joined.events else held + 1
        return Place(joined.epoch, min(held, first - 1))

    def _see(self, room: str, shown: Entry, *, resume: bool) -> None:
        seat = self._seats[room]
        epoch = seat.epoch or ""
        self._world.tape.add(
            Delivered(device=self.name, room=room, epoch=epoch, entry=shown, resume=resume)
        )
        seat.held = Place(epoch, shown.seq)
