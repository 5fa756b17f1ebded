"""Successions: what is learnt while a master is adopted counts, and counts after it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random

import pytest

from chat.engine import Phase
from resilience import succession as succeeding
from resilience.address import Address
from resilience.adoption import Adoption
from resilience.election import FRESH_S, Candidate, View
from resilience.link import Command, Link, OnPush, Reply
from resilience.options import EngineOptions
from resilience.replies import MasterView, ReplicaView
from resilience.sentinel_watch import SentinelWatch
from resilience.storage_state import StorageState
from resilience.succession import BRIEF_S, Succession

A, B, C = (Address("h", port) for port in (1, 2, 3))
SENTINELS = [Address("s", port) for port in (1, 2, 3)]
SLOW_S = 0.1  # to answer ROLE
CHOSEN = ["slave", "x", "h", "2", "@", "m", "h", "1"]


class FakeLink:
    """Answers as a master at A with one replica at B, or as that replica."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._gone = asyncio.Event()

    @property
    def closed(self) -> bool:
        return self._gone.is_set()

    def pipeline(
        self, commands: Sequence[Command], timeout_s: float
    ) -> asyncio.Future[list[Reply]]:
        return asyncio.ensure_future(self._answer(commands, timeout_s))

    async def _answer(self, commands: Sequence[Command], timeout_s: float) -> list[Reply]:
        await asyncio.sleep(min(SLOW_S, timeout_s))
        return [self._reply(str(command[0])) for command in commands]

    def _reply(self, name: str) -> Reply:
        if name == "ROLE" and self.address == B:
            return [b"slave", b"h", 1, b"connected", 100]
        replies = {
            "ROLE": [b"master", 100, [[b"h", b"2", b"100"]]],
            "INFO": b"master_replid:x\r\n",
            "GET": None,
            "WAIT": 1,
        }
        return replies.get(name, b"OK")

    def tell(self, commands: Sequence[Command]) -> None:
        """Nobody listens."""

    def close(self, reason: str) -> None:
        assert reason
        self._gone.set()

    async def ended(self, timeout_s: float | None = None) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), timeout_s)


class FakeOpener:
    def __init__(self) -> None:
        self.link: Callable[[Address], FakeLink] = FakeLink

    async def open(
        self, address: Address, *, timeout_s: float, on_push: OnPush | None = None
    ) -> Link:
        assert timeout_s
        assert on_push is None
        return self.link(address)


class LaggingLink(FakeLink):
    """At a master whose replica gets nothing of what is written."""

    def _reply(self, name: str) -> Reply:
        if name == "ROLE":
            return [b"master", 100, [[b"h", b"2", b"50"]]]
        return 0 if name == "WAIT" else super()._reply(name)


def deaf(_: str) -> None:
    """Whom nothing is worth a word."""


def tell(watch: SentinelWatch, master: Address, epoch: int, asked: float | None = None) -> None:
    """Let all sentinels name a master."""
    now = asyncio.get_running_loop().time() if asked is None else asked
    replicas = tuple(ReplicaView(each, down=False, priority=100) for each in {A, B} - {master})
    for sentinel in SENTINELS:
        watch.keep(
            sentinel,
            View(now, MasterView(master, epoch, failing_over=False, sentinels=3), replicas),
        )


@asynccontextmanager
async def reign(
    opener: FakeOpener | None = None, options: EngineOptions | None = None
) -> AsyncIterator[tuple[Succession, SentinelWatch]]:
    """Give a succession in which A reigns under epoch 5."""
    state = StorageState(lambda _: None, lambda: 0)
    options = options or EngineOptions()
    succession = Succession(A, opener or FakeOpener(), options, state, Random(1))
    watch = SentinelWatch(SENTINELS, "m", FakeOpener(), Random(1))
    succession.attend(watch)
    tell(watch, A, 5)
    running = asyncio.create_task(succession.run())
    await succession.reigning()
    try:
        yield succession, watch
    finally:
        running.cancel()
        await asyncio.wait({running})


@pytest.mark.parametrize("named", [False, True], ids=["chosen", "named"])
async def test_who_is_deposed_while_adopted_does_not_reign(*, named: bool) -> None:
    """A successor chosen while the master answers us once more: it isn't trusted again."""
    async with reign() as (succession, watch):
        generation = await succession.reigning()
        await asyncio.sleep(BRIEF_S)  # one that has ended sooner is not asked again at once
        generation.end("a link was lost")
        await asyncio.sleep(SLOW_S / 2)
        tell(watch, A, 5)
        watch.hear("+selected-slave", CHOSEN)
        if named:
            tell(watch, B, 6)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(succession.reigning(), 5 * SLOW_S)


async def test_the_first_commit_ends_the_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever commits first: the storage is up before that is answered, whatever had stalled."""
    monkeypatch.setattr(succeeding, "STALL_S", 0.0)
    async with reign() as (succession, _):
        generation = await succession.reigning()
        generation.stall("another lane", "NOREPLICAS")
        phases = [succession._state.storage.phase]
        generation.commit(100)
        phases.append(succession._state.storage.phase)
        assert phases == [Phase.STARTING, Phase.UP]
        assert generation.committed == 100


async def test_a_rival_seen_too_early_counts_once_it_is_evidence() -> None:
    """An answer older than the adoption is none; the same again, asked after it, ends the reign."""
    async with reign() as (succession, watch):
        generation = await succession.reigning()
        now = asyncio.get_running_loop().time()
        tell(watch, B, 6, asked=now - 1)
        assert not generation.over
        tell(watch, B, 6)
        assert generation.over


async def test_a_new_master_without_its_replicas_is_said_to_be_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the adopted one waits for is told, and after the hold time that nothing is held."""
    monkeypatch.setattr(succeeding, "STALL_S", 0.0)
    opener = FakeOpener()
    async with reign(opener, EngineOptions(hold_s=10 * SLOW_S)) as (succession, watch):
        generation = await succession.reigning()
        generation.settle()
        opener.link = LaggingLink
        generation.end("a link was lost")
        async with asyncio.timeout(50 * SLOW_S):
            while succession._state.storage.phase is not Phase.DOWN:
                tell(watch, A, 5)
                await asyncio.sleep(SLOW_S)
        assert succession._state.storage.reason == "replicas do not acknowledge"
        assert not (await succession.reigning()).over


@pytest.mark.parametrize(
    ("away", "members"),
    [(1, {B}), (2, {B, C}), (3, {B, C})],
    ids=["majority", "minority", "nobody"],
)
async def test_a_removed_replica_is_not_found_in_an_old_answer(
    away: int, members: set[Address]
) -> None:
    """What a sentinel said before it was lost counts only while no majority answers."""
    watch = SentinelWatch(SENTINELS, "m", FakeOpener(), Random(1))
    tell(watch, A, 5)
    now = asyncio.get_running_loop().time()
    replicas = tuple(ReplicaView(each, down=False, priority=100) for each in (B, C))
    named = MasterView(A, 5, failing_over=False, sentinels=3)
    for sentinel in SENTINELS[:away]:
        watch.keep(sentinel, View(now - FRESH_S - 1, named, replicas))
    adoption = Adoption(FakeOpener(), EngineOptions(), watch)
    generation = await adoption.adopt(Candidate(A, 5), lambda: True, lambda: True, deaf)
    assert generation.insync.members == members
