"""The load generator against servers that behave, and against such as must not pass."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bench import generator
from bench.generator import Figures, Refused
from bench.install import build_programs
from bench.peers import chosen_peers
from bench.plan import Plan, Room, Traffic
from bench.serving import serving

Deliver = Callable[[list[web.WebSocketResponse], str], Awaitable[None]]
CLOSED = Traffic("closed", 0.4, 0.1)


@pytest.fixture(autouse=True, scope="module")
def _programs() -> None:
    build_programs()


async def to_all(members: list[web.WebSocketResponse], text: str) -> None:
    """What a server is there for."""
    for ws in members:
        await ws.send_str(text)


@asynccontextmanager
async def room(deliver: Deliver) -> AsyncIterator[int]:
    """A server with one room that delivers as told; gives its port."""
    members: list[web.WebSocketResponse] = []

    async def chat(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for frame in ws:
            if json.loads(frame.data)["type"] == "join":
                members.append(ws)
                await ws.send_str('"joined"')
            else:
                await deliver(members, frame.data)
        members.remove(ws)
        return ws

    app = web.Application()
    app.router.add_get("/ws", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def measured(
    deliver: Deliver, traffic: Traffic = CLOSED, members: int = 3, publishers: int = 2
) -> Figures:
    """The figures of one run in one room."""
    async with room(deliver) as port:
        peer = chosen_peers("plain")[0]
        plan = Plan(peer, (Room(members, publishers),), traffic, (port,), ())
        return await asyncio.to_thread(generator.run, plan)


async def test_every_message_is_counted_at_every_member() -> None:
    """Deliveries are members times messages, but for those on their way at the window's ends."""
    figures = await measured(to_all)
    assert figures.count("published") > 20
    assert abs(figures.count("delivered") - 3 * figures.count("published")) <= 2 * 3
    assert figures.percentile("delivery", "p50") > 0


async def test_a_lost_message_is_refused() -> None:
    """A server that skips one member once gives no figures."""
    sent = 0

    async def losing(members: list[web.WebSocketResponse], text: str) -> None:
        nonlocal sent
        sent += 1
        await to_all(members[1:] if sent == 5 else members, text)

    traffic = Traffic("open", 0.4, 0.1, rate=100)
    with pytest.raises(Refused, match="gaps"):
        await measured(losing, traffic)


async def test_a_doubled_message_is_refused() -> None:
    """A server that repeats itself gives no figures."""

    async def stuttering(members: list[web.WebSocketResponse], text: str) -> None:
        await to_all([*members, members[0]], text)

    with pytest.raises(Refused, match="repeats"):
        await measured(stuttering)


async def test_a_message_that_never_comes_is_refused() -> None:
    """A last message that is missing leaves no gap behind it, and is missed all the same."""
    until = asyncio.get_running_loop().time() + 0.3

    async def dying(members: list[web.WebSocketResponse], text: str) -> None:
        if asyncio.get_running_loop().time() < until:
            await to_all(members, text)

    with pytest.raises(Refused, match="outstanding"):
        await measured(dying)


async def test_a_closed_connection_is_refused() -> None:
    """A server that throws a member out gives no figures."""

    async def hostile(members: list[web.WebSocketResponse], text: str) -> None:
        await to_all(members, text)
        if len(members) == 3:
            await members[2].close()

    with pytest.raises(Refused, match="lost connections"):
        await measured(hostile)


async def test_a_stall_is_charged_to_every_message_that_was_due_in_it() -> None:
    """Open loop: a stall of 0.4 s in a second of traffic shows in a third of the messages."""
    stalled = False

    async def stalling(members: list[web.WebSocketResponse], text: str) -> None:
        nonlocal stalled
        if not stalled:
            stalled = True
            await asyncio.sleep(0.5)
        await to_all(members, text)

    traffic = Traffic("open", 1.0, 0.0, rate=200)
    figures = await measured(stalling, traffic, members=1, publishers=1)
    assert figures.percentile("delivery", "p75") > 0.05
    assert figures.percentile("delivery", "p90") > 0.2
    assert figures.percentile("delivery", "max") == pytest.approx(0.5, abs=0.1)


async def test_a_message_that_comes_after_the_window_is_timed_as_well() -> None:
    """Open loop: what was due in the window and stalled until after it is as late as it is."""
    until = asyncio.get_running_loop().time() + 1.2

    async def stalling(members: list[web.WebSocketResponse], text: str) -> None:
        left = until - asyncio.get_running_loop().time()
        await asyncio.sleep(left if 0 < left < 0.9 else 0)
        await to_all(members, text)

    traffic = Traffic("open", 0.6, 0.1, rate=200)
    figures = await measured(stalling, traffic, members=1, publishers=1)
    assert figures.seconds < 0.7
    assert figures.percentile("delivery", "max") > 0.4


async def test_a_slow_server_gets_a_longer_window() -> None:
    """A window goes on until it has the messages that it was to have, and no longer than told."""

    async def slow(members: list[web.WebSocketResponse], text: str) -> None:
        await asyncio.sleep(0.1)
        await to_all(members, text)

    enough = await measured(slow, Traffic("closed", 0.2, 0.0, least=20, longest=5.0))
    assert 0.5 < enough.seconds < 3
    assert enough.count("published") >= 20
    capped = await measured(slow, Traffic("closed", 0.2, 0.0, least=1000, longest=0.6))
    assert capped.seconds == pytest.approx(0.6, abs=0.2)


async def test_a_server_that_refuses_the_upgrade_gives_no_figures() -> None:
    """The generator ends by an error instead of measuring nothing."""
    async with room(to_all) as port:
        peer = chosen_peers("socket.io")[0]
        plan = Plan(peer, (Room(1, 0),), CLOSED, (port,), ())
        with pytest.raises(Refused, match="upgrade refused"):
            await asyncio.to_thread(generator.run, plan)


def test_the_cpu_of_the_server_is_counted_and_a_busy_generator_is_refused() -> None:
    """The program that only sends keeps both busy; the share is the generator's own CPU time."""
    peer = chosen_peers("sends")[0]
    with serving(peer) as served:
        plan = Plan(peer, (Room(50, 8),), CLOSED, served.ports, served.probes())
        figures = generator.run(plan)
    assert 0 < figures.cpu("server") <= figures.seconds * 1.05
    assert 0 < figures.generator_share <= 1.05
    busy = Figures(figures.raw | {"own_cpu_ns": figures.raw["wall_ns"]})
    with pytest.raises(Refused, match="generator used 100%"):
        busy.refuse_if_doubtful()
    assert 0 < figures.opening_share <= 1.05
