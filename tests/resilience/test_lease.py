"""What a dead node left is taken away, however much it is."""

import asyncio
from collections.abc import Sequence

import pytest

from deploy.local.cluster import Cluster
from resilience import keys, lease
from resilience.link import Command, Reply
from tests.resilience.nodes import Ask, OpenNode
from tests.resilience.recorder import until

ROOMS = [f"room-{index}" for index in range(1_000)]


async def test_many_rooms_are_cleared_in_several_errands(
    shared: Cluster, open_shared: OpenNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead node's thousand rooms are vacated by hundreds: each errand is answered in time."""
    monkeypatch.setattr(lease, "BEAT_S", 0.1)
    courier = (await open_shared()).redis.courier
    ask: Ask = courier.ask
    sizes: list[int] = []

    async def counted(commands: Sequence[Command]) -> list[Reply]:
        sizes.append(len(commands))
        return await ask(commands)

    monkeypatch.setattr(courier, "ask", counted)
    master = await shared.master()
    left = [part for room in ROOMS for part in (room, 1)]
    await master.command("HSET", keys.node_rooms("dead"), *left)
    for room in (ROOMS[0], ROOMS[-1]):
        await master.command("HSET", keys.members(room), "ann/dead", "", "bo/b", "")
    await master.command("ZADD", keys.NODES, 1, "dead")
    await until(lambda: master.command("ZSCORE", keys.NODES, "dead"), lambda ends: ends is None)
    for room in (ROOMS[0], ROOMS[-1]):
        assert await master.command("HKEYS", keys.members(room)) == ["bo/b"]
    assert await master.command("EXISTS", keys.node_rooms("dead")) == 0
    assert max(sizes) <= 200


async def test_a_lease_is_renewed_while_a_dead_node_is_cleared_away(
    shared: Cluster, open_shared: OpenNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it takes to take away what a dead node left, the living one goes on living."""
    monkeypatch.setattr(lease, "BEAT_S", 0.1)
    engine = (await open_shared(node="a")).redis
    ask: Ask = engine.courier.ask
    clearing, done = asyncio.Event(), asyncio.Event()

    async def slow(commands: Sequence[Command]) -> list[Reply]:
        if ("HKEYS", keys.node_rooms("dead")) in commands:
            clearing.set()
            await done.wait()
        return await ask(commands)

    monkeypatch.setattr(engine.courier, "ask", slow)
    master = await shared.master()

    async def ends() -> float:
        return float(await master.command("ZSCORE", keys.NODES, "a"))

    await master.command("ZADD", keys.NODES, 1, "dead")
    await clearing.wait()
    before = await ends()
    await until(ends, lambda now: now > before)
    done.set()
    await until(lambda: master.command("ZSCORE", keys.NODES, "dead"), lambda ends: ends is None)
