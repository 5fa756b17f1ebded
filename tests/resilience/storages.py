"""Real storages for the contracts: one Redis, or a master with replicas and sentinels."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from deploy.local.cluster import Cluster

SIZES: Final = {"redis": (0, 0), "sentinel": (2, 3)}  # replicas and sentinels
ENGINES: Final = ("memory", "redis", "sentinel")
SHARED: Final[tuple[str, ...]] = ("redis", "sentinel")  # several nodes can be on one
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
