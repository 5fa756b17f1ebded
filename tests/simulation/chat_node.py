"""A chat server without its edge: the engine's write path, reads and feed, the hub, the rooms."""

import asyncio
from collections.abc import Coroutine, Mapping
from random import Random
from types import SimpleNamespace
from typing import Any

from chat.frames import PresenceView
from chat.hub import Hub
from handlers.statistics import EdgeStatistics
from resilience.address import Address
from resilience.engine_redis import RedisEngine
from resilience.options import EngineOptions
from resilience.url import Credentials, Target
from tests.simulation.links import ModelOpener
from tests.simulation.network import Host, Network
from tests.simulation.redis_node import RedisNode
from tests.simulation.sentinels import NAME, Sentinels


class Nobody:
    """A `Presence` of nobody: who is there is no part of what is simulated."""

    def enter(self, room: str, conn: str, user: Any) -> None:
        """Count nothing."""

    def leave(self, room: str, conn: str) -> None:
        """Count nothing."""

    async def view(self, room: str, limit: int) -> PresenceView:
        """Show nobody."""
        return PresenceView(0, [])


class ChatNode(Host):
    """One node; it can die and be started again, with nothing remembered."""

    def __init__(
        self,
        name: str,
        network: Network,
        nodes: list[RedisNode],
        sentinels: Sentinels,
        options: Mapping[str, Any],
    ) -> None:
        super().__init__(name)
        self.network = network
        self._redis: dict[Address, Any] = {node.address: node for node in nodes}
        self._sentinels: dict[Address, Any] = {s.address: s for s in sentinels.sentinels}
        self._options = options
        self.hold_s: float = options["hold_s"]
        self.alive = False
        self.clients: dict[Any, None] = {}
        self.births = 0
        self._tidying: set[asyncio.Task[None]] = set()
        self.work: asyncio.Task[None] | None = None

    def start(self, random: Random) -> None:
        """Start the process."""
        loop = self.network.loop
        self.alive = True
        self.births += 1
        self.ended: asyncio.Future[None] = loop.create_future()
        self.hub = Hub(lambda: loop.call_soon(self.hub.flush), loop.call_later, self.wall_ms)
        self._openers = (
            ModelOpener(self.network, self, self._redis),
            ModelOpener(self.network, self, self._sentinels),
        )
        target = Target(
            addresses=tuple(self._sentinels),
            master_name=NAME,
            credentials=Credentials(),
            sentinel_credentials=Credentials(),
        )
        options = EngineOptions(node=f"{self.name}.{self.births}", **self._options)
        self.real = RedisEngine(
            target, self.hub, options, openers=self._openers, random=random, wall=self.wall_ms
        )
        self.log = self.real.log
        # What the rooms of a connection need of an engine.
        self.engine: Any = SimpleNamespace(log=self.log, presence=Nobody())
        self.statistics = EdgeStatistics()
        self.work = loop.create_task(self._run())
        self.work.add_done_callback(self._died)

    async def _run(self) -> None:
        """The core of `RedisEngine.run`: no presence, no leases, no orders, no checks."""
        engine = self.real
        async with asyncio.TaskGroup() as group:
            group.create_task(engine.succession.run())
            if engine.watch is not None:
                group.create_task(engine.watch.run())
            for lane in engine.lanes:
                group.create_task(lane.run())
            group.create_task(engine.reader.run())
            group.create_task(engine.recheck.run())
            group.create_task(engine.feed.run())

    def tidy(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a connection's end take its time."""
        task = self.network.loop.create_task(work)
        self._tidying.add(task)
        task.add_done_callback(self._tidying.discard)

    def _died(self, work: "asyncio.Task[None]") -> None:
        """The engine never ends by itself."""
        if not work.cancelled() and (error := work.exception()) is not None:
            self.network.loop.mistakes.append(error)

    def wall_ms(self) -> int:
        """Return this machine's wall clock."""
        return int(self.network.loop.time() * 1000)

    async def die(self) -> None:  # type: ignore[override]
        """Kill -9: sockets close, nothing is tidied up."""
        for opener in self._openers:
            opener.abandon()
        super().die()
        self.ended.set_result(None)
        for client in list(self.clients):
            client.lose()
        if self.work is not None:
            self.work.cancel()
            await asyncio.gather(self.work, return_exceptions=True)
