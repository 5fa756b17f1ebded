"""Redis and Sentinel by TLS: a real failover, and nobody is trusted without a certificate."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from chat.errors import Unavailable
from deploy.local.cluster import Cluster
from deploy.local.ports import LOOPBACK
from tests.certificates import issue
from tests.resilience.nodes import opener
from tests.resilience.storages import started
from tests.resilience.storm import ROOMS, Storm, whole_log

FREE = (1_000_000, 60.0)
PROMOTED_S = 20.0


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    issue(folder)
    return folder


@pytest.fixture(scope="module")
def cluster(certificates: Path) -> Iterator[Cluster]:
    with started(Cluster(certificates=certificates)) as cluster:
        yield cluster


async def test_nothing_is_spoken_in_the_clear(cluster: Cluster) -> None:
    """Neither Redis nor a sentinel answers who does not speak TLS."""
    for node in [*cluster.nodes, *cluster.sentinels]:
        reader, writer = await asyncio.open_connection(LOOPBACK, node.port)
        writer.write(b"PING\r\n")
        answer = b""
        async with asyncio.timeout(5):
            with suppress(ConnectionError):
                answer = await reader.read()
        assert b"PONG" not in answer
        assert b"NOAUTH" not in answer
        writer.close()


async def test_a_stranger_is_not_trusted(
    cluster: Cluster, certificates: Path, tmp_path: Path
) -> None:
    """A Redis whose certificate no known authority has signed gets no login and no message."""
    issue(tmp_path)
    url = cluster.url().replace(str(certificates), str(tmp_path))
    async with opener(url, hold_s=1.0) as open_node:
        node = await open_node()
        with pytest.raises(Unavailable):
            await node.log.follow(ROOMS[0])


async def test_a_master_is_killed(cluster: Cluster) -> None:
    """Over TLS too a failover under load loses, doubles and moves nothing."""
    async with opener(cluster.url(), publish=FREE, history=1_000_000) as open_node:
        node = await open_node()
        await asyncio.gather(*map(node.log.follow, ROOMS))
        storm = Storm([node], publishers=10, pause_s=0.05)
        raging = asyncio.create_task(storm.rage())
        await storm.acked(100)
        old = await cluster.master()
        await cluster.kill(old)
        await cluster.wait_for_new_master(old, PROMOTED_S)
        await storm.acked(100)
        storm.stop.set()
        await raging
        for room in ROOMS:
            storm.check(room, await whole_log(node.log, room))
