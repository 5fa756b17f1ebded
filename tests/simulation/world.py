"""One schedule: the hosts, the people, the faults, and how it comes to its end."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Final

from chat.errors import Unavailable
from resilience.address import Address
from tests.drills.history import Entry, LogRead, Page, Plan
from tests.simulation.chat_node import ChatNode
from tests.simulation.clock import VirtualLoop
from tests.simulation.device import Device
from tests.simulation.network import Network
from tests.simulation.publisher import PageReader, Publisher
from tests.simulation.redis_node import RedisNode
from tests.simulation.sentinels import Sentinels
from tests.simulation.tape import Tape, entry

SETTLE_S: Final = 10.0
CONVERGED_S: Final = 45.0  # a deposed master is turned after up to 11 s, and may need a snapshot
LONGEST_S: Final = 120.0
_NS: Final = 1_000_000_000
_LOOK_S: Final = 0.2
_PAGE: Final = 500


class StuckError(AssertionError):
    """Something that must come to its end did not."""


@dataclass(frozen=True)
class Shape:
    """How large a schedule is, and how fast; seconds."""

    rooms: int
    chats: int
    publishers: int
    devices: int
    messages: int
    faults: int
    pause_s: float
    read_pause_s: float
    restless_per_s: float
    replay: int
    page: int

    @classmethod
    def draw(cls, random: Random) -> "Shape":
        """Return a shape that a seed decides."""
        return cls(
            rooms=random.randint(1, 3),
            chats=random.randint(1, 2),
            publishers=random.randint(2, 4),
            devices=random.randint(1, 3),
            messages=random.randint(3, 10),
            faults=random.choice((1, 1, 2, 2, 3)),
            pause_s=random.choice((0.02, 0.1, 0.2)),
            read_pause_s=random.choice((0.2, 1.0)),
            restless_per_s=random.choice((0.1, 0.5)),
            replay=random.choice((8, 1_000)),
            page=random.choice((3, 100)),
        )


class World:
    """Everything that one seed makes."""

    def __init__(self, seed: int, loop: VirtualLoop, random: Random, shape: Shape) -> None:
        self.loop = loop
        self.random = random
        self.shape = shape
        self.tape = Tape(loop)
        self.rooms = [f"room-{n}" for n in range(shape.rooms)]
        self.acked = 0
        self.losing = 0  # faults under way that lose history
        self.is_quiet = asyncio.Event()
        self.faults_over = asyncio.Event()
        self._numbers = 0
        base = random.choice((0.0001, 0.001, 0.01))
        self.network = Network(loop, [base * random.expovariate(1) for _ in range(1024)])
        modern = random.random() < 0.5
        self.redis = [
            RedisNode(f"r{n}", self.network, Random(random.random()), modern=modern)
            for n in (1, 2, 3)
        ]
        by_address: dict[Address, RedisNode] = {node.address: node for node in self.redis}
        for node in self.redis:
            node.peers = by_address
            node.skew_ms = random.uniform(-2000, 2000)
        for node in self.redis[1:]:
            node.follow(self.redis[0].address)
        self.sentinels = Sentinels(
            self.network, self.redis, Random(random.random()), down_after=1.5
        )
        self.is_rated = random.random() < 0.15
        publish = (4, 3.0) if self.is_rated else (1_000_000, 60.0)
        options = {
            "publish": publish,
            "lanes": random.choice((1, 2)),
            "batch": random.choice((1, 256)),
            "hold_s": random.choice((4.0, 15.0)),
        }
        self.chats = [
            ChatNode(f"n{n}", self.network, self.redis, self.sentinels, options)
            for n in range(1, shape.chats + 1)
        ]
        self.devices = [Device(f"d{n}", self, self.fork()) for n in range(shape.devices)]

    def fork(self) -> Random:
        """Return a source of chance of its own."""
        return Random(self.random.random())

    def number(self) -> int:
        """Return a number that nothing else here has."""
        self._numbers += 1
        return self._numbers

    @property
    def master(self) -> RedisNode:
        """The master that the newest configuration names."""
        return self.sentinels.by_address[self.sentinels.newest().master]

    async def some_node(self, random: Random) -> ChatNode:
        """Return a node that lives, waiting for one."""
        while not any(node.alive for node in self.chats):
            await asyncio.sleep(_LOOK_S)
        return random.choice([node for node in self.chats if node.alive])

    def plan(self, seed: int) -> None:
        """Say what is going to happen, before it does."""
        sources = [node.name for node in [*self.chats, *self.redis]]
        self.tape.add(
            Plan(
                drill=f"seed-{seed}",
                sources=tuple(sources),
                acks_per_fault=1,
                settle_ns=int(SETTLE_S * _NS),
                replay_limit=self.shape.replay,
            )
        )

    async def begin(self) -> None:
        """Start the nodes, and look at each room before anybody publishes."""
        for node in self.chats:
            node.start(self.fork())
        for room in self.rooms:
            began = self.tape.now()
            page = await self.chats[0].log.read(room, limit=1)
            line = Page(
                began=began, room=room, epoch=page.epoch, head=page.head, limit=1, entries=()
            )
            self.tape.add(line)

    async def live(self) -> None:
        """Let people publish, read and listen until all is answered; devices go on."""
        loop = self.loop
        people = [Publisher(f"u{n}", self, self.fork()) for n in range(self.shape.publishers)]
        self.listening = [loop.create_task(device.run()) for device in self.devices]
        reader = loop.create_task(PageReader(self, self.fork()).run())
        async with asyncio.TaskGroup() as group:
            for publisher in people:
                group.create_task(publisher.run())
        self.is_quiet.set()
        await reader

    async def end(self) -> None:
        """Wait until all hold the same, or had the time to; then read every log everywhere."""
        await self._until(self._is_converged, CONVERGED_S, "the nodes of Redis do not converge")
        end = self.loop.time() + SETTLE_S
        while self.loop.time() < end and not self._are_shown():
            await asyncio.sleep(_LOOK_S)
        for room in self.rooms:
            for node in self.chats:
                await self._read_chat(node, room)
            for redis in self.redis:
                self._read_redis(redis, room)

    async def _until(self, holds: "object", deadline_s: float, said: str) -> None:
        end = self.loop.time() + deadline_s
        while not holds():  # type: ignore[operator]
            if self.loop.time() > end:
                raise StuckError(said)
            await asyncio.sleep(_LOOK_S)

    def is_whole(self) -> bool:
        """Tell whether all sentinels name one master, and all others follow it."""
        master = self.master
        named = {sentinel.master for sentinel in self.sentinels.sentinels}
        return (
            named == {master.address}
            and self.sentinels.failover is None
            and master.is_master
            and all(
                node is master or (node.following == master.address and node.is_linked)
                for node in self.redis
            )
        )

    def _is_converged(self) -> bool:
        return self.is_whole() and len({node.log.offset for node in self.redis}) == 1

    def _are_shown(self) -> bool:
        """Tell whether every device stands at the end of every room's log."""
        for room in self.rooms:
            meta = self.master.look(f"hf:{{{room}}}:meta") or {}
            place = (meta.get("epoch", b"").decode(), int(meta.get("head", b"0")))
            for device in self.devices:
                held = device.reach(room)
                if held is None or (held.epoch, held.seq) != place:
                    return False
        return True

    async def _read_chat(self, node: ChatNode, room: str) -> None:
        entries: list[Entry] = []
        while True:
            try:
                page = await node.log.read(room, after=len(entries), limit=_PAGE)
            except Unavailable:
                continue  # the time of the whole schedule is bounded
            entries += (entry(event.payload) for event in page.events)
            if len(page.events) < _PAGE:
                break
        self.tape.add(
            LogRead(source=node.name, room=room, epoch=page.epoch, entries=tuple(entries))
        )

    def _read_redis(self, node: RedisNode, room: str) -> None:
        meta = node.look(f"hf:{{{room}}}:meta") or {}
        stream = node.look(f"hf:{{{room}}}:log") or []
        entries = tuple(entry(fields[1]) for _, fields in stream)
        epoch = meta.get("epoch", b"").decode()
        self.tape.add(LogRead(source=node.name, room=room, epoch=epoch, entries=entries))
