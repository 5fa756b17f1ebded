"""Nodes under test: an open engine, and the listener that hears it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from statistics import median
from typing import Any, NamedTuple, Protocol

from chat.engine import Engine
from chat.log import MessageLog
from resilience.engine_redis import RedisEngine
from resilience.link import Command, Reply
from resilience.open import open_engine
from resilience.options import EngineOptions
from tests.resilience.recorder import Recorder, draft

FREE = (1_000, 60)  # a rate that no test meets which is not about the rate
LONG_HOLD_S = 5.0  # no stall of a busy machine lasts so long


Ask = Callable[[Sequence[Command]], Awaitable[list[Reply]]]  # of a courier


class Node:
    """An engine in a task of its own, as a server has it, and what its listener heard."""

    def __init__(self, url: str, options: EngineOptions) -> None:
        self.heard = Recorder()
        self._opened: asyncio.Future[Engine] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self._life = asyncio.create_task(self._live(url, options))

    @property
    def engine(self) -> Engine:
        return self._opened.result()

    @property
    def redis(self) -> RedisEngine:
        """The engine of a node on Redis, with all its parts."""
        assert isinstance(self.engine, RedisEngine)
        return self.engine

    @property
    def log(self) -> MessageLog:
        return self.engine.log

    async def opened(self) -> "Node":
        """Return when the engine is open; raise what kept it from that."""
        either: set[asyncio.Future[Any]] = {self._opened, self._life}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._life.done():
            await self._life
        return self

    async def close(self) -> None:
        """Close the engine; closing again is nothing."""
        self._closing.set()
        await self._life

    async def _live(self, url: str, options: EngineOptions) -> None:
        async with open_engine(url, self.heard, options) as engine:
            self._opened.set_result(engine)
            await self._closing.wait()


class Pair(NamedTuple):
    """Two nodes on one storage."""

    a: Node
    b: Node


def refused(node: Node, code: str) -> Callable[[], Awaitable[int]]:
    """Return a look at how often a node was refused so."""

    async def look() -> int:
        return node.engine.statistics().errors.get(code, 0)

    return look


async def talk(node: Node, user: str, count: int, room: str = "den") -> None:
    """Say so much in a room, one message after the other."""
    for index in range(count):
        await node.log.append(draft(f"{index}", room=room, user=user))


class OpenNode(Protocol):
    async def __call__(self, **options: Any) -> Node: ...


@asynccontextmanager
async def opener(url: str, **usual: Any) -> AsyncIterator[OpenNode]:
    """Give a function that opens nodes on one storage; all are closed at the end."""
    nodes: list[Node] = []

    async def open_node(**options: Any) -> Node:
        node = Node(url, EngineOptions(**({"publish": FREE} | usual | options)))
        nodes.append(node)
        return await node.opened()

    try:
        yield open_node
    finally:
        for node in nodes:
            await node.close()


async def usual_s(call: Callable[[], Awaitable[object]]) -> float:
    """Return how long a call takes, in the median of 15: a busy machine may stand still."""
    loop, times = asyncio.get_running_loop(), []
    for _ in range(15):
        since = loop.time()
        await call()
        times.append(loop.time() - since)
    return median(times)
