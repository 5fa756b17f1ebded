"""The clients of a drill: users who write, devices that listen, somebody who reads history."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Final

import aiohttp

from deploy.local.waiting import until
from server.environment import Secret
from server.tokens import mint
from tests.drills.rig.device import Device
from tests.drills.rig.drill import Shape
from tests.drills.rig.journal import Journal
from tests.drills.rig.pages import Historian
from tests.drills.rig.publisher import Publisher
from tests.drills.rig.wire import Address, Wire, dial

_JOINED: Final = 10.0  # seconds
_RESOLVED: Final = 40.0  # two holds of the server and the pause between them
_READ_PERIOD: Final = 0.1


class Load:
    """Everybody who talks to the chat servers; `addresses` are where they find them."""

    def __init__(
        self, shape: Shape, addresses: Sequence[Address], secret: str, journal: Journal, seed: int
    ) -> None:
        self.shape = shape
        self.addresses = addresses
        self.journal = journal
        self.random = Random(seed)
        self._secret = secret
        self.rooms = [f"drill-{number}" for number in range(shape.rooms)]
        self.read_rooms = list(self.rooms)  # those, and what a drill adds
        self._strangers = 0
        self.devices: list[Device] = []
        self.publishers: list[Publisher] = []
        self._works: list[asyncio.Task[None]] = []
        self._writing: list[asyncio.Task[None]] = []
        self.historian = Historian(self.token("reader"), self.rooms, journal, self.random)

    def token(self, user: str) -> str:
        return mint(Secret(self._secret), user, {"*": "rw"}, audience="chat", scope="chat.admin")

    async def open(self, http: aiohttp.ClientSession) -> None:
        """Look at each room, let the devices join, then let the users write."""
        self.http = http
        for room in self.rooms:
            await self.historian.look(http, self.addresses[0], room, 1)
        for room in self.rooms:
            for place in range(len(self.addresses)):
                for number in range(self.shape.devices):
                    self.listen(f"device-{room}-{place}-{number}", room, place)
        await self.all_joined()
        self._works.append(
            asyncio.create_task(self.historian.run(http, self.addresses, _READ_PERIOD))
        )
        for number in range(self.shape.publishers):
            self.write(f"user-{number}", number % len(self.addresses))

    def listen(self, name: str, room: str, place: int) -> Device:
        """Add a device in a room, at first on the chat server of that number."""
        device = Device(name, self.token(name), room, self.journal)
        self.devices.append(device)
        work = device.run(self.http, self.addresses, place)
        self._works.append(asyncio.create_task(work))
        return device

    def write(self, name: str, place: int, period: float | None = None) -> Publisher:
        """Add a user who writes, at first to the chat server of that number."""
        publisher = self.speaker(name, place, period)
        self.publishers.append(publisher)
        self._writing.append(asyncio.create_task(publisher.run()))
        return publisher

    def speaker(self, name: str, place: int, period: float | None = None) -> Publisher:
        """Return a user who says what the drill tells it to."""
        return Publisher(
            name,
            self.token(name),
            self.rooms,
            (self.http, self.addresses, place),
            journal=self.journal,
            random=Random(self.random.random()),
            period=period or self.shape.period,
            padding=self.shape.padding,
        )

    async def stranger(self, address: Address) -> Wire:
        """Sign in with a connection that the history says nothing of."""
        self._strangers += 1
        return await dial(self.http, address, self.token(f"stranger-{self._strangers}"))

    async def new_room(self, name: str) -> str:
        """Add a room that nobody but the drill writes to."""
        await self.historian.look(self.http, self.addresses[0], name, 1)
        self.read_rooms.append(name)
        return name

    async def all_joined(self) -> None:
        async with asyncio.timeout(_JOINED):
            for device in self.devices:
                await device.joined.wait()

    async def flow(self, acks: int, deadline: float) -> None:
        """Wait for so many more acks; TimeoutError after `deadline` seconds."""
        wanted = len(self.journal.acks) + acks

        async def arrived() -> bool:
            self._require_life()
            return len(self.journal.acks) >= wanted

        await until(arrived, deadline, f"{acks} more acks")

    async def flow_for(self, seconds: float) -> None:
        """Let time pass under load."""
        await asyncio.sleep(seconds)
        self._require_life()

    async def hush(self) -> None:
        """Stop writing; returns once each message's outcome is known."""
        for publisher in self.publishers:
            publisher.stopping.set()
        async with asyncio.timeout(_RESOLVED):
            await asyncio.gather(*self._writing)

    async def settled(self, heads: dict[str, int], deadline: float) -> bool:
        """Wait until every device holds its room's head; False after `deadline` seconds."""
        end = time.monotonic() + deadline
        while any(d.held is None or d.held.seq < heads[d.room] for d in self.devices):
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.05)
        return True

    async def close(self) -> None:
        works = [*self._works, *self._writing]
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)

    def _require_life(self) -> None:
        """A client that died of a mistake of ours must not look like a server's."""
        for work in [*self._works, *self._writing]:
            if work.done() and not work.cancelled() and (error := work.exception()):
                raise error


@asynccontextmanager
async def loaded(load: Load) -> AsyncIterator[Load]:
    """Let the clients do their work inside the block."""
    connector = aiohttp.TCPConnector(limit=0, force_close=False)
    async with aiohttp.ClientSession(connector=connector) as http:
        try:
            await load.open(http)
            yield load
        finally:
            await load.close()
