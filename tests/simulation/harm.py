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
_SWITCH_S: Final = 30.0


async def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds; False if it does not within the time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not holds():
        if loop.time() >= end:
            return False
        await asyncio.sleep(_LOOK_S)
    return True


def _kill(node: RedisNode, random: Random) -> None:
    node.dark = random.random() < 0.3
    node.kill()


def _replicas(world: "World") -> list[RedisNode]:
    master = world.master
    return [node for node in world.redis if node is not master]


def _pause(random: Random) -> float:
    """Return how long a fault lasts: often too short for a failover, often long enough."""
    return random.choice((random.uniform(0.05, 1.4), random.uniform(1.4, 3.0), 6.0))


async def kill_master(world: "World", random: Random) -> Harm:
    yield False
    master = world.master
    _kill(master, random)
    yield not master.alive
    await asyncio.sleep(_pause(random))
    master.restart(empty=False)


async def kill_replica(world: "World", random: Random) -> Harm:
    yield False
    replica = random.choice(_replicas(world))
    _kill(replica, random)
    yield not replica.alive
    await asyncio.sleep(_pause(random))
    replica.restart(empty=random.random() < 0.5)


async def _hang(node: Host, random: Random) -> Harm:
    node.hang()
    yield node.hung
    await asyncio.sleep(_pause(random))
    node.go_on()


async def hang_master(world: "World", random: Random) -> Harm:
    yield False
    async for step in _hang(world.master, random):
        yield step


async def hang_replica(world: "World", random: Random) -> Harm:
    yield False
    async for step in _hang(random.choice(_replicas(world)), random):
        yield step


async def planned_failover(world: "World", random: Random) -> Harm:
    yield False
    old = world.master
    await until(world.sentinels.order_failover, _SWITCH_S)
    yield await until(lambda: world.master is not old, _SWITCH_S)


def _sever(world: "World", inside: set[str], outside: set[str]) -> Callable[[], None]:
    for a in inside:
        for b in outside:
            world.network.sever(a, b)

    def heal() -> None:
        for a in sorted(inside):
            for b in sorted(outside):
                world.network.heal(a, b)

    return heal


def _everybody(world: "World") -> set[str]:
    hosts: list[Host] = [*world.redis, *world.chats, *world.sentinels.sentinels]
    return {host.name for host in hosts}


async def isolate_master(world: "World", random: Random) -> Harm:
    """Cut from the other Redis and the sentinels; the chat nodes see all, or only the others."""
    yield False
    inside = {world.master.name}
    outside = _everybody(world) - inside
    if random.random() < 0.7:
        outside -= {node.name for node in world.chats}
    heal = _sever(world, inside, outside)
    yield bool(world.network.cut)
    await asyncio.sleep(_pause(random))
    heal()


async def isolate_master_and_chat(world: "World", random: Random) -> Harm:
    """The master with chat nodes, perhaps a replica and a sentinel, against the rest.

    If the Redis that is left outside does not follow yet, it is elected without what was committed
    on the two: a second fault, before the first was over.
    """
    inside = {world.master.name, random.choice(world.chats).name}
    outside = _replicas(world)
    if random.random() < 0.5:
        inside.add(outside.pop(random.randrange(2)).name)
    yield not any(node.following == world.master.address and node.is_linked for node in outside)
    if random.random() < 0.5:
        inside.add(random.choice(world.sentinels.sentinels).name)
    heal = _sever(world, inside, _everybody(world) - inside)
    yield bool(world.network.cut)
    await asyncio.sleep(_pause(random))
    heal()


def _lag(world: "World", random: Random) -> Callable[[], None]:
    """Slow the way from the master to one replica, or to all."""
    master, slow = world.master, _replicas(world)
    if random.random() < 0.5:
        slow = [random.choice(slow)]
    edges = [frozenset((master.name, node.name)) for node in slow]
    for edge in edges:
        world.network.slow[edge] = random.choice((0.05, 0.3, 1.0))

    def heal() -> None:
        for edge in edges:
            world.network.slow.pop(edge, None)

    return heal


async def lag_and_kill(world: "World", random: Random) -> Harm:
    yield False
    heal, master = _lag(world, random), world.master
    await asyncio.sleep(random.uniform(0.1, 1.0))
    _kill(master, random)
    yield not master.alive
    await asyncio.sleep(random.uniform(1.0, 4.0))
    heal()
    master.restart(empty=False)


async def lag_and_failover(world: "World", random: Random) -> Harm:
    yield False
    heal, old = _lag(world, random), world.master
    await asyncio.sleep(random.uniform(0.1, 1.0))
    await until(world.sentinels.order_failover, _SWITCH_S)
    yield await until(lambda: world.master is not old, _SWITCH_S)
    heal()


async def stall_and_kill(world: "World", random: Random) -> Harm:
    """Replication stalls to both replicas, or one; then the machine dies with what it held."""
    yield False
    master, stalled = world.master, _replicas(world)
    if random.random() < 0.3:
        stalled = [random.choice(stalled)]
    heal = _sever(world, {master.name}, {node.name for node in stalled})
    await asyncio.sleep(random.choice((0.2, 0.5, 1.2)))
    master.dark = True
    master.kill()
    yield not master.alive
    world.network.lose(master.name)
    heal()
    await asyncio.sleep(random.uniform(2.0, 5.0))
    master.restart(empty=False)


async def _lose_replies(world: "World", count: int) -> bool:
    """Let so many answers to appends and reads be lost, whoever is master; False: none was."""
    before = sum(node.lost_replies for node in world.redis)
    for node in world.redis:
        node.lose_replies = count
    return await until(lambda: sum(n.lost_replies for n in world.redis) > before, _SWITCH_S)


async def lose_replies(world: "World", random: Random) -> Harm:
    yield False
    yield await _lose_replies(world, random.randint(1, 5))
    await asyncio.sleep(random.uniform(0, 0.5))
    for node in world.redis:
        node.lose_replies = 0


async def lose_replies_and_kill(world: "World", random: Random) -> Harm:
    yield False
    happened = await _lose_replies(world, random.randint(1, 3))
    master = world.master
    _kill(master, random)
    yield happened
    for node in world.redis:
        node.lose_replies = 0
    await asyncio.sleep(_pause(random))
    master.restart(empty=False)


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


async def kill_chat(world: "World", random: Random) -> Harm:
    yield False
    node = random.choice(world.chats)
    if node.alive:
        await node.die()
    yield not node.alive
    await asyncio.sleep(random.uniform(0.1, 3))
    if not node.alive:
        node.start(world.fork())


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
    heal = _sever(world, {node.name}, cut)
    yield bool(world.network.cut)
    await asyncio.sleep(_pause(random))
    heal()


async def half_open(world: "World", random: Random) -> Harm:
    """One direction between a chat node and the master is cut."""
    yield False
    pair = [random.choice(world.chats).name, world.master.name]
    random.shuffle(pair)
    world.network.sever(pair[0], pair[1], one_way=True)
    yield bool(world.network.cut)
    await asyncio.sleep(_pause(random))
    world.network.heal(pair[0], pair[1])


async def kill_sentinel(world: "World", random: Random) -> Harm:
    # A leader that dies between a promotion and its notice leaves a master that no sentinel knows
    # of. Where chat nodes turn replicas themselves it may commit; Sentinel undoes it.
    yield world.repoint
    sentinel = random.choice(world.sentinels.sentinels)
    sentinel.kill()
    yield not sentinel.alive
    await asyncio.sleep(random.uniform(0.1, 8))
    sentinel.restart()


async def hang_sentinels(world: "World", random: Random) -> Harm:
    """Two sentinels hang: nothing can be elected; then the master fails too, for a moment."""
    yield world.repoint
    hung = random.sample(world.sentinels.sentinels, 2)
    for sentinel in hung:
        sentinel.hang()
    yield all(sentinel.hung for sentinel in hung)
    if random.random() < 0.5:
        master = world.master
        _kill(master, random)
        await asyncio.sleep(random.uniform(0.2, 3))
        master.restart(empty=False)
    await asyncio.sleep(random.uniform(0.1, 2))
    for sentinel in hung:
        sentinel.go_on()


async def lose_news(world: "World", random: Random) -> Harm:
    """Pub/sub loses messages silently, and nobody's link dies."""
    yield False
    before = sum(node.muted for node in world.redis)
    for node in world.redis:
        node.mute = random.randint(1, 4)
    yield await until(lambda: sum(node.muted for node in world.redis) > before, _SWITCH_S)
    for node in world.redis:
        node.mute = 0


async def slow(world: "World", random: Random) -> Harm:
    yield False
    edges = [frozenset((chat.name, redis.name)) for chat in world.chats for redis in world.redis]
    for edge in edges:
        world.network.slow[edge] = random.choice((0.02, 0.1))
    yield bool(world.network.slow)
    await asyncio.sleep(random.uniform(0.5, 3))
    for edge in edges:
        world.network.slow.pop(edge, None)


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


async def kill_all(world: "World", random: Random) -> Harm:
    """A full outage with disks kept; they come back in any order."""
    yield False
    for node in world.redis:
        _kill(node, random)
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


async def lose_two(world: "World", random: Random) -> Harm:
    """A replica falls behind until it is called down; then those that went on die together."""
    behind, *others = random.sample(_replicas(world), 2)
    master = world.master
    yield True
    behind.hang()
    await until(lambda: _called_down(world, behind), _SWITCH_S)
    await asyncio.sleep(random.uniform(0.2, 1.5))
    for node in (master, *others):
        _kill(node, random)
    behind.go_on()
    yield not master.alive
    await asyncio.sleep(random.uniform(2.5, 6))
    for node in (master, *others):
        node.restart(empty=random.random() < 0.3)


def _called_down(world: "World", node: RedisNode) -> bool:
    votes = sum(node.address in sentinel.down for sentinel in world.sentinels.sentinels)
    return votes == len(world.sentinels.sentinels)
