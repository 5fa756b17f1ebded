"""The Redis of the runs: deploy's own master, two replicas and three sentinels, thrown away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from redis import Redis

from deploy.local.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Topology:
    """The running processes: ports and pids of the data nodes, the master first."""

    ports: tuple[int, ...]
    pids: tuple[int, ...]
    sentinel_url: str

    @property
    def redis_url(self) -> str:
        """The master itself, for servers that know no Sentinel."""
        return f"redis://127.0.0.1:{self.ports[0]}/0"

    def probes(self) -> tuple[tuple[str, int], ...]:
        """Master and replicas, for the CPU that a message costs behind the server."""
        return (("redis", self.pids[0]), *(("replica", pid) for pid in self.pids[1:]))

    def empty(self) -> None:
        """Removes all data; only while no server runs."""
        with Redis(port=self.ports[0]) as master:
            master.flushall()


@contextlib.contextmanager
def topology() -> Iterator[Topology]:
    """Master, replicas and sentinels in step, without passwords, while the context lasts."""
    cluster = Cluster(password=False)
    with asyncio.Runner() as runner:
        runner.run(cluster.__aenter__())
        try:
            ports = tuple(node.announced for node in cluster.nodes)
            pids = tuple(node.process.pid or 0 for node in cluster.nodes)
            yield Topology(ports, pids, cluster.url())
        finally:
            runner.run(cluster.__aexit__())
