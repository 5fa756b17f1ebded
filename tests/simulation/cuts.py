"""Processes that hang, networks that are cut or slow, planned failovers."""

import asyncio
from random import Random
from typing import TYPE_CHECKING

from tests.simulation.harm import Harm, everybody, kill, lag, pause, replicas, sever, switch
from tests.simulation.network import Host

if TYPE_CHECKING:
    from tests.simulation.world import World


async def _hang(node: Host, random: Random) -> Harm:
    node.hang()
    yield node.hung
    await asyncio.sleep(pause(random))
    node.go_on()


async def hang_master(world: "World", random: Random) -> Harm:
    yield False
    async for step in _hang(world.master, random):
        yield step


async def hang_replica(world: "World", random: Random) -> Harm:
    yield False
    async for step in _hang(random.choice(replicas(world)), random):
        yield step


async def hang_sentinels(world: "World", random: Random) -> Harm:
    """Two sentinels hang: nothing can be elected; then the master fails too, for a moment."""
    yield False
    hung = random.sample(world.sentinels.sentinels, 2)
    for sentinel in hung:
        sentinel.hang()
    yield all(sentinel.hung for sentinel in hung)
    if random.random() < 0.5:
        master = world.master
        kill(master, random)
        await asyncio.sleep(random.uniform(0.2, 3))
        master.restart(empty=False)
    await asyncio.sleep(random.uniform(0.1, 2))
    for sentinel in hung:
        sentinel.go_on()


async def planned_failover(world: "World", random: Random) -> Harm:
    yield False
    yield await switch(world)


async def isolate_master(world: "World", random: Random) -> Harm:
    """Cut from the other Redis and the sentinels; the chat nodes see all, or only the others."""
    yield False
    inside = {world.master.name}
    outside = everybody(world) - inside
    if random.random() < 0.7:
        outside -= {node.name for node in world.chats}
    heal = sever(world, inside, outside)
    yield bool(world.network.cut)
    await asyncio.sleep(pause(random))
    heal()


async def isolate_master_and_chat(world: "World", random: Random) -> Harm:
    """The master with chat nodes, perhaps a replica and a sentinel, against the rest."""
    inside = {world.master.name, random.choice(world.chats).name}
    outside = replicas(world)
    if random.random() < 0.5:
        inside.add(outside.pop(random.randrange(2)).name)
    yield False
    if random.random() < 0.5:
        inside.add(random.choice(world.sentinels.sentinels).name)
    heal = sever(world, inside, everybody(world) - inside)
    yield bool(world.network.cut)
    await asyncio.sleep(pause(random))
    heal()


async def lag_and_failover(world: "World", random: Random) -> Harm:
    yield False
    heal = lag(world, random)
    await asyncio.sleep(random.uniform(0.1, 1.0))
    yield await switch(world)
    heal()


async def cut_chat(world: "World", random: Random) -> Harm:
    """A chat node can't reach the master, or all of Redis, or all sentinels."""
    yield False
    node = random.choice(world.chats)
    cut = random.choice(
        (
            {world.master.name},
            {redis.name for redis in world.redis},
            {sentinel.name for sentinel in world.sentinels.sentinels},
        )
    )
    heal = sever(world, {node.name}, cut)
    yield bool(world.network.cut)
    await asyncio.sleep(pause(random))
    heal()


async def half_open(world: "World", random: Random) -> Harm:
    """One direction between a chat node and the master is cut."""
    yield False
    pair = [random.choice(world.chats).name, world.master.name]
    random.shuffle(pair)
    world.network.sever(pair[0], pair[1], one_way=True)
    yield bool(world.network.cut)
    await asyncio.sleep(pause(random))
    world.network.heal(pair[0], pair[1])


async def slow(world: "World", random: Random) -> Harm:
    yield False
    edges = [frozenset((chat.name, redis.name)) for chat in world.chats for redis in world.redis]
    for edge in edges:
        world.network.slow[edge] = random.choice((0.02, 0.1))
    yield bool(world.network.slow)
    await asyncio.sleep(random.uniform(0.5, 3))
    for edge in edges:
        world.network.slow.pop(edge, None)
