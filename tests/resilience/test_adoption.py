"""Adopting a chosen successor: the promotion itself cuts off whoever asks it."""

import asyncio

from deploy.local.cluster import Cluster
from deploy.local.ports import LOOPBACK
from resilience.address import Address
from resilience.adoption import Adoption
from resilience.dialer import Dialer
from resilience.election import Candidate
from resilience.options import EngineOptions
from resilience.url import Credentials

ASKED_S = 0.2


async def test_a_promotion_that_cuts_clients_off_is_seen_at_once() -> None:
    """Sentinel's promotion kills all clients in the same transaction; adopting survives that."""
    async with Cluster(replicas=1, sentinels=0) as cluster:
        replica = cluster.nodes[1]
        dialer = Dialer(Credentials("chat", cluster.passwords.chat), name="test")
        chosen = Candidate(Address(LOOPBACK, replica.port), 1, chosen=True)
        adoption = Adoption(dialer, EngineOptions(ack_replicas=0), None)
        adopting = asyncio.create_task(adoption.adopt(chosen, lambda: True, lambda: True))
        await asyncio.sleep(ASKED_S)
        assert not adopting.done()
        assert await replica.command("CLIENT", "KILL", "TYPE", "normal", "USER", "chat") == 1
        await replica.command("REPLICAOF", "NO", "ONE")
        async with asyncio.timeout(1):
            assert (await adopting).address == chosen.address
