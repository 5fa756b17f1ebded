"""What each fault does: first whether it may lose history, then whether it happened, then heal."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias

from tests.simulation.network import Host
from tests.simulation.redis_node import RedisNode

if TYPE_CHECKING:
    from tests.simulation.world import World

Harm: TypeAlias = AsyncGenerator[bool, None]

_LOOK_S: Final = 0.01
SWITCH_S: Final = 30.0
PATIENCE_S: Final = 40.0  # a fault that has not ended by then has left a standstill


async def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds; False if it does not within the time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not holds():
        if loop.time() >= end:
            return False
        await asyncio.sleep(_LOOK_S)
    return True


def kill(node: RedisNode, random: Random) -> None:
    node.dark = random.random() < 0.3
    node.kill()


def replicas(world: "World") -> list[RedisNode]:
    master = world.master
    return [node for node in world.redis if node is not master]


def everybody(world: "World") -> set[str]:
    hosts: list[Host] = [*world.redis, *world.chats, *world.sentinels.sentinels]
    return {host.name for host in hosts}


def sever(world: "World", inside: set[str], outside: set[str]) -> Callable[[], None]:
    for a in inside:
        for b in outside:
            world.network.sever(a, b)

    def heal() -> None:
        for a in sorted(inside):
            for b in sorted(outside):
                world.network.heal(a, b)

    return heal


def pause(random: Random) -> float:
    """Return how long a fault lasts: often too short for a failover, often long enough."""
    return random.choice((random.uniform(0.05, 1.4), random.uniform(1.4, 3.0), 6.0))


def lag(world: "World", random: Random) -> Callable[[], None]:
    """Slow the way from the master to one replica, or to all."""
    master, slow = world.master, replicas(world)
    if random.random() < 0.5:
        slow = [random.choice(slow)]
    edges = [frozenset((master.name, node.name)) for node in slow]
    for edge in edges:
        world.network.slow[edge] = random.choice((0.05, 0.3, 1.0))

    def heal() -> None:
        for edge in edges:
            world.network.slow.pop(edge, None)

    return heal


async def lose_some_replies(world: "World", count: int) -> bool:
    """Let so many answers to appends and reads be lost, whoever is master; False: none was."""
    before = sum(node.lost_replies for node in world.redis)
    for node in world.redis:
        node.lose_replies = count
    return await until(lambda: sum(n.lost_replies for n in world.redis) > before, SWITCH_S)


async def switch(world: "World") -> bool:
    """Order failovers until one succeeds; a sentinel may be in no state to carry one out."""
    old = world.master

    def switched() -> bool:
        if world.master is old:
            world.sentinels.order_failover()
        return world.master is not old

    return await until(switched, SWITCH_S)
