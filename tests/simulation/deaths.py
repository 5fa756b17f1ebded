"""Processes that die, and come back with their disks, or with nothing."""

import asyncio
from random import Random
from typing import TYPE_CHECKING

from tests.simulation.harm import (
    SWITCH_S,
    Harm,
    kill,
    lag,
    lose_some_replies,
    pause,
    replicas,
    sever,
    until,
)
from tests.simulation.redis_node import RedisNode

if TYPE_CHECKING:
    from tests.simulation.world import World


async def kill_master(world: "World", random: Random) -> Harm:
    yield False
    master = world.master
    kill(master, random)
    yield not master.alive
    await asyncio.sleep(pause(random))
    master.restart(empty=False)


async def kill_replica(world: "World", random: Random) -> Harm:
    yield False
    replica = random.choice(replicas(world))
    kill(replica, random)
    yield not replica.alive
    await asyncio.sleep(pause(random))
    replica.restart(empty=random.random() < 0.5)


async def lag_and_kill(world: "World", random: Random) -> Harm:
    yield False
    heal, master = lag(world, random), world.master
    await asyncio.sleep(random.uniform(0.1, 1.0))
    kill(master, random)
    yield not master.alive
    await asyncio.sleep(random.uniform(1.0, 4.0))
    heal()
    master.restart(empty=False)


async def stall_and_kill(world: "World", random: Random) -> Harm:
    """Replication stalls to both replicas, or one; then the machine dies with what it held."""
    yield False
    master, stalled = world.master, replicas(world)
    if random.random() < 0.3:
        stalled = [random.choice(stalled)]
    heal = sever(world, {master.name}, {node.name for node in stalled})
    await asyncio.sleep(random.choice((0.2, 0.5, 1.2)))
    master.dark = True
    master.kill()
    yield not master.alive
    world.network.lose(master.name)
    heal()
    await asyncio.sleep(random.uniform(2.0, 5.0))
    master.restart(empty=False)


async def lose_replies_and_kill(world: "World", random: Random) -> Harm:
    yield False
    happened = await lose_some_replies(world, random.randint(1, 3))
    master = world.master
    kill(master, random)
    yield happened
    for node in world.redis:
        node.lose_replies = 0
    await asyncio.sleep(pause(random))
    master.restart(empty=False)


async def kill_chat(world: "World", random: Random) -> Harm:
    """A node dies, but not with all that knew of a loss: who is left could not say it then."""
    yield False
    await until(lambda: not world.losing, SWITCH_S)
    node = random.choice(world.chats)
    if node.alive:
        await node.die()
    yield not node.alive
    await asyncio.sleep(random.uniform(0.1, 3))
    if not node.alive:
        node.start(world.fork())


async def kill_sentinel(world: "World", random: Random) -> Harm:
    yield False
    sentinel = random.choice(world.sentinels.sentinels)
    sentinel.kill()
    yield not sentinel.alive
    await asyncio.sleep(random.uniform(0.1, 8))
    sentinel.restart()


async def kill_all(world: "World", random: Random) -> Harm:
    """A full outage with disks kept; they come back in any order."""
    yield False
    for node in world.redis:
        kill(node, random)
    yield not any(node.alive for node in world.redis)
    await asyncio.sleep(random.uniform(0.2, 6))
    for node in random.sample(world.redis, len(world.redis)):
        node.restart(empty=False)
        await asyncio.sleep(random.uniform(0, 0.5))


async def empty_all(world: "World", random: Random) -> Harm:
    yield True
    for node in world.redis:
        node.dark = False
        node.kill()
    yield not any(node.alive for node in world.redis)
    await asyncio.sleep(random.uniform(0.1, 4))
    for node in world.redis:
        node.restart(empty=True)


async def empty_master(world: "World", random: Random) -> Harm:
    """The master comes back empty before anybody calls it down, and wipes its replicas."""
    yield True
    master = world.master
    master.dark = False
    master.kill()
    yield not master.alive
    await asyncio.sleep(random.uniform(0.05, 1.0))
    master.restart(empty=True)


def _called_down(world: "World", node: RedisNode) -> bool:
    votes = sum(node.address in sentinel.down for sentinel in world.sentinels.sentinels)
    return votes == len(world.sentinels.sentinels)


async def lose_two(world: "World", random: Random) -> Harm:
    """A replica falls behind until it is called down; then those that went on die together."""
    behind, *others = random.sample(replicas(world), 2)
    master = world.master
    yield True
    behind.hang()
    await until(lambda: _called_down(world, behind), SWITCH_S)
    await asyncio.sleep(random.uniform(0.2, 1.5))
    for node in (master, *others):
        kill(node, random)
    behind.go_on()
    yield not master.alive
    await asyncio.sleep(random.uniform(2.5, 6))
    for node in (master, *others):
        node.restart(empty=random.random() < 0.3)
