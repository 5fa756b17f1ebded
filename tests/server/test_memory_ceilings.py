"""Memory under attack: floods, bombs, slow readers and slow writers cost at most 20 MB."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter
from typing import Final

import aiohttp
import pytest

from tests.chatting import token
from tests.server.attacks import ATTACKS, SECONDS, Attack
from tests.server.process import Process, process

CEILING: Final = 20 << 20


class Bystander:
    """Ann, who talks to herself in `general` and times every message of hers."""

    def __init__(self, socket_: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket_
        self.times: list[float] = []

    async def talk(self, stop: asyncio.Event, text: str = "x" * 200) -> list[float]:
        """Publish and wait to be shown it, until told to stop; return how long each took."""
        self.times = []
        while not stop.is_set():
            began = perf_counter()
            await self._socket.send_json({"type": "publish", "room": "general", "text": text})
            while json.loads((await self._socket.receive(10)).data)["type"] != "message":
                pass
            self.times.append(perf_counter() - began)
            await asyncio.sleep(0.005)
        return self.times


@asynccontextmanager
async def bystander(server: Process) -> AsyncIterator[Bystander]:
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{server.port}/ws"
        async with session.ws_connect(
            url, protocols=("chat.v1", f"bearer.{token('ann')}")
        ) as chatting:
            await chatting.send_json({"type": "join", "room": "general"})
            while json.loads((await chatting.receive(10)).data)["type"] != "joined":
                pass
            yield Bystander(chatting)


async def highest(server: Process, stop: asyncio.Event) -> int:
    """Return the most memory that the server held until told to stop."""
    most = server.rss
    while not stop.is_set():
        most = max(most, server.rss)
        await asyncio.sleep(0.02)
    return most


async def attacked(
    server: Process, attack: Callable[[Attack], Awaitable[None]], ann: Bystander
) -> tuple[int, list[float]]:
    """Carry an attack out; return the highest memory meanwhile, and ann's times."""
    stop = asyncio.Event()
    watching = asyncio.create_task(highest(server, stop))
    talking = asyncio.create_task(ann.talk(stop, "x" * 4_000))
    async with AsyncExitStack() as stack:
        end = perf_counter() + SECONDS
        while perf_counter() < end:
            await attack(Attack(server.port, stack))
        stop.set()
        most, times = await watching, await talking
    return most, times


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
async def test_memory_is_bounded(attack: Callable[[Attack], Awaitable[None]]) -> None:
    """While it is attacked the server holds at most 20 MB more, answers, and logs no mistake."""
    async with process(ROOM_HISTORY="100") as server, bystander(server) as ann:
        warm = asyncio.Event()
        talking = asyncio.create_task(ann.talk(warm, "x" * 4_000))
        await asyncio.sleep(1)  # a room's history fills up
        warm.set()
        await talking
        before = server.rss
        most, times = await attacked(server, attack, ann)
        assert server.alive
        assert len(times) > 20
        assert max(times) < 2
    assert most - before <= CEILING, (most - before) >> 20
    assert '"level":"error"' not in server.output
    assert "Traceback" not in server.output
