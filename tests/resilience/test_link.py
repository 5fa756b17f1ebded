"""One connection to a real Redis."""

import asyncio

import pytest

from deploy.local.cluster import Cluster
from deploy.local.ports import LOOPBACK
from resilience.address import Address
from resilience.dialer import Dialer
from resilience.url import Credentials
from tests.resilience.storages import Clusters

PATIENCE_S = 1.0


@pytest.fixture
def cluster(clusters: Clusters) -> Cluster:
    """A Redis that has started before the loop of the test."""
    return clusters("redis")


async def test_no_commands_have_no_replies(cluster: Cluster) -> None:
    """A pipeline of nothing is answered at once, and leaves the link as it was."""
    dialer = Dialer(Credentials("chat", cluster.passwords.chat), name="test")
    link = await dialer.open(Address(LOOPBACK, cluster.nodes[0].port))
    async with asyncio.timeout(PATIENCE_S / 2):
        assert await link.pipeline([], PATIENCE_S) == []
        assert await link.pipeline([("PING",)], PATIENCE_S) == [b"PONG"]
    link.close("tested")
