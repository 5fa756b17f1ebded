"""Answers, news, links and scripts that get lost; clocks that jump; memory that is full."""

import asyncio
from random import Random
from typing import TYPE_CHECKING

from tests.simulation.harm import SWITCH_S, Harm, lose_some_replies, until

if TYPE_CHECKING:
    from tests.simulation.world import World


async def lose_replies(world: "World", random: Random) -> Harm:
    yield False
    yield await lose_some_replies(world, random.randint(1, 5))
    await asyncio.sleep(random.uniform(0, 0.5))
    for node in world.redis:
        node.lose_replies = 0


async def drop_links(world: "World", random: Random) -> Harm:
    yield False
    for _ in range(random.randint(1, 4)):
        world.master.drop_clients()
        await asyncio.sleep(random.uniform(0, 0.4))
    yield True


async def flush_scripts(world: "World", random: Random) -> Harm:
    yield False
    for node in world.redis:
        node.scripts.clear()
    yield not world.master.scripts


async def lose_news(world: "World", random: Random) -> Harm:
    """Pub/sub loses messages silently, and nobody's link dies."""
    yield False
    before = sum(node.muted for node in world.redis)
    for node in world.redis:
        node.mute = random.randint(1, 4)
    yield await until(lambda: sum(node.muted for node in world.redis) > before, SWITCH_S)
    for node in world.redis:
        node.mute = 0


async def jump_clocks(world: "World", random: Random) -> Harm:
    """By less than idempotency keys are kept; a rate's window would shut for as long."""
    yield False
    longest = 1_000 if world.is_rated else 250_000
    for node in world.redis:
        node.skew_ms += random.choice((-longest, longest, 500))
    yield True


async def no_memory(world: "World", random: Random) -> Harm:
    yield False
    master = world.master
    master.full = True
    yield master.full
    await asyncio.sleep(random.uniform(0.1, 2))
    master.full = False
