"""Adopting: a promotion cuts off whoever asks for it, and a break is marked as soon as may be."""

import asyncio
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from deploy.local.cluster import Cluster
from deploy.local.ports import LOOPBACK
from resilience.address import Address
from resilience.adoption import Adoption
from resilience.dialer import Dialer
from resilience.election import Candidate
from resilience.insync import InSync
from resilience.link import LinkLost, Reply, ReplyError
from resilience.options import EngineOptions
from resilience.replies import MasterRole
from resilience.sentinel_watch import SentinelWatch
from resilience.url import Credentials
from tests.resilience.test_succession import SLOW_S, A, B, C, FakeLink, FakeOpener, deaf

ASKED_S = 0.2
REFUSED = 3
MARK = 7
LOST = b"run_id:r\r\nmaster_replid:y\r\nmaster_replid2:x\r\nsecond_repl_offset:51\r\n"
WHOLE = b"run_id:r\r\nmaster_replid:x\r\n"


async def test_a_promotion_that_cuts_clients_off_is_seen_at_once() -> None:
    """Sentinel's promotion kills all clients in the same transaction; adopting survives that."""
    async with Cluster(replicas=1, sentinels=0) as cluster:
        replica = cluster.nodes[1]
        dialer = Dialer(Credentials("chat", cluster.passwords.chat), name="test")
        chosen = Candidate(Address(LOOPBACK, replica.port), 1, chosen=True)
        adoption = Adoption(dialer, EngineOptions(ack_replicas=0), None)
        adopting = asyncio.create_task(adoption.adopt(chosen, lambda: True, lambda: True, deaf))
        await asyncio.sleep(ASKED_S)
        assert not adopting.done()
        assert await replica.command("CLIENT", "KILL", "TYPE", "normal", "USER", "chat") == 1
        await replica.command("REPLICAOF", "NO", "ONE")
        async with asyncio.timeout(1):
            assert (await adopting).address == chosen.address


class LosingLink(FakeLink):
    """At a master that has less than was committed, and takes no writes for some time."""

    def __init__(self, address: Address, info: bytes, marked: Iterator[Reply]) -> None:
        super().__init__(address)
        self._info, self._marked = info, marked

    def _reply(self, name: str) -> Reply:
        if name == "EVAL":
            return next(self._marked)
        return self._info if name == "INFO" else super()._reply(name)


class LosingOpener(FakeOpener):
    """The first link is to the master before, the second to the one that has less."""

    def __init__(self, marked: Iterator[Reply]) -> None:
        super().__init__()
        infos = iter([WHOLE, LOST])
        self.link = lambda address: LosingLink(address, next(infos), marked)


async def test_a_break_is_marked_as_soon_as_a_write_is_taken(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until it is, others may append to the old history: no rest of a second between two tries."""
    caplog.set_level(logging.ERROR, "holdfast.adoption")
    refusals: list[Reply] = [ReplyError("NOREPLICAS Not enough good replicas")] * REFUSED
    adoption = Adoption(LosingOpener(iter([*refusals, b"%d" % MARK])), EngineOptions(), None)
    told: list[str] = []
    sound = await adoption.adopt(Candidate(A, 1), lambda: True, lambda: True, told.append)
    sound.commit(100)
    async with asyncio.timeout((REFUSED + 3) * 2 * SLOW_S):
        found = await adoption.adopt(Candidate(A, 2), lambda: True, lambda: True, told.append)
    assert found.mark == MARK
    assert told == ["NOREPLICAS"] * REFUSED
    assert [record.message for record in caplog.records] == ["history_broken"]


async def test_who_was_deposed_is_no_replica_until_it_has_followed() -> None:
    """Sentinel lists it, and it may be back as a master: no adoption counts it before."""
    listing = SimpleNamespace(listed=lambda: {A, B, C}, called_down=lambda _: False)
    adoption = Adoption(FakeOpener(), EngineOptions(), cast("SentinelWatch", listing))

    async def adopt(address: Address, epoch: int) -> InSync:
        candidate = Candidate(address, epoch)
        return (await adoption.adopt(candidate, lambda: True, lambda: True, deaf)).insync

    assert (await adopt(A, 1)).members == {B, C}
    assert (await adopt(C, 2)).members == {B}
    again = await adopt(C, 2)
    assert again.members == {B}
    again.observe(MasterRole(100, {A: 100, B: 100}))
    assert (await adopt(C, 2)).members == {A, B}


async def test_who_is_deposed_is_not_asked_to_mark_a_break() -> None:
    """Another candidate ends the waiting."""
    refusals: Iterator[Reply] = iter([ReplyError("NOREPLICAS")] * REFUSED)
    adoption = Adoption(LosingOpener(refusals), EngineOptions(), None)
    sound = await adoption.adopt(Candidate(A, 1), lambda: True, lambda: True, deaf)
    sound.commit(100)
    with pytest.raises(LinkLost, match="no candidate any more"):
        await adoption.adopt(Candidate(A, 2), lambda: True, lambda: False, deaf)
    assert len(list(refusals)) == REFUSED - 1
