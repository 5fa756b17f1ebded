"""Real storages for the contracts: one Redis, or a master with replicas and sentinels."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from deploy.local.cluster import Cluster
from deploy.local.redis_node import RedisNode

SIZES: Final = {"redis": (0, 0), "sentinel": (2, 3)}  # replicas and sentinels
ENGINES: Final = ("memory", "redis", "sentinel")
SHARED: Final[tuple[str, ...]] = ("redis", "sentinel")  # several nodes can be on one
MORE_REPLICAS: Final = 3  # than any cluster here has
ALONE: Final[tuple[str, ...]] = ("redis",)  # a node of it can die without another taking over

Clusters = Callable[[str], Cluster]


@contextmanager
def started(cluster: Cluster) -> Iterator[Cluster]:
    """Run a cluster that outlives the loops of the tests; it is bound to none."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(cluster.__aenter__())
        try:
            yield cluster
        finally:
            runner.run(cluster.__aexit__(None, None, None))


def of(kind: str) -> Cluster:
    """Make a cluster of a kind, to be started yet."""
    replicas, sentinels = SIZES[kind]
    return Cluster(replicas=replicas, sentinels=sentinels)


async def empty(cluster: Cluster) -> None:
    """Remove everything that a test before has stored."""
    await (await cluster.master()).command("FLUSHALL")


@asynccontextmanager
async def too_few_replicas(redis: RedisNode) -> AsyncIterator[None]:
    """Let it refuse all writes meanwhile."""
    name = "min-replicas-to-write"
    _, usual = await redis.command("CONFIG", "GET", name)
    await redis.command("CONFIG", "SET", name, MORE_REPLICAS)
    try:
        yield
    finally:
        await redis.command("CONFIG", "SET", name, usual)


@asynccontextmanager
async def forbidden(redis: RedisNode, command: str) -> AsyncIterator[None]:
    """Take a command away from the chat's user meanwhile."""
    await redis.command("ACL", "SETUSER", "chat", f"-{command}")
    try:
        yield
    finally:
        await redis.command("ACL", "SETUSER", "chat", f"+{command}")


@asynccontextmanager
async def forgotten_scripts(redis: RedisNode) -> AsyncIterator[None]:
    """Let it forget all scripts, and meanwhile let nobody load them again."""
    async with forbidden(redis, "script|load"):
        await redis.command("SCRIPT", "FLUSH")
        yield
