"""The report of a failover agrees with a recorder that shares nothing with it but the processes."""

import asyncio
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest

from deploy.local.cluster import Cluster
from deploy.local.commands import UNANSWERED
from deploy.local.demo import CHATS, GENEROUS
from deploy.local.failover import fail_over
from deploy.local.redis_node import RedisNode

# Seconds. Both look every 20 ms; the rest is for a busy machine, whose looks take half a second.
AGREEMENT_S = 1.5


STORED = """
local moments = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 't' then moments[#moments + 1] = tonumber(entry[2][i + 1]) end
  end
end
return moments
"""


class Recorder:
    """Asks the Redis processes themselves: who is master when, and what stands in their logs."""

    def __init__(self, nodes: Sequence[RedisNode]) -> None:
        self._nodes = nodes
        self.masters: list[tuple[float, str]] = []  # since when, who
        self.died: float | None = None

    async def watch(self, old: RedisNode, over: asyncio.Event) -> None:
        # Not until cancelled: a connection that is being opened takes that for its own timeout.
        while not over.is_set():
            if self.died is None and not old.process.running:
                self.died = time.monotonic()
            for node in self._nodes:
                try:
                    role = (await node.command("ROLE"))[0]
                except UNANSWERED:
                    continue
                if role == "master" and (not self.masters or self.masters[-1][1] != node.name):
                    self.masters.append((time.monotonic(), node.name))
            await asyncio.sleep(0.02)


async def moments(node: RedisNode) -> list[int]:
    """Return when each message in the log of the failover's room was stored, in ms, in order."""
    (key,) = await node.command("KEYS", "hf:{failover-*}:log")
    stored: list[int] = await node.command("EVAL_RO", STORED, 1, key, deadline=5)
    return stored


@pytest.mark.timeout(120)
async def test_a_failover_that_fails_leaves_all_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was killed or hung is back, and the next order finds a whole deployment."""
    monkeypatch.setattr("deploy.local.failover.NEW_MASTER_S", 0.0)
    async with Cluster(chats=1, settings=GENEROUS) as cluster:
        for kind in ("kill", "hang"):
            with pytest.raises(ExceptionGroup):
                await fail_over(cluster, kind)
            assert all([await node.answers() for node in cluster.nodes])
            await cluster.wait_until_healthy()


@pytest.mark.timeout(120)
async def test_the_report_of_a_kill_is_right() -> None:
    """Who replaces whom and when, how many were acked, the silence: as Redis itself has it."""
    async with Cluster(chats=CHATS, settings=GENEROUS) as cluster:
        old = await cluster.master()
        recorder = Recorder(cluster.nodes)
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(recorder.watch(old, over))
            report = await fail_over(cluster, "kill")
            over.set()
        logs = [await moments(node) for node in cluster.nodes]
    assert [name for _, name in recorder.masters][:2] == [report.old, report.new]
    assert recorder.died is not None
    promoted_s = recorder.masters[1][0] - recorder.died
    assert report.promoted_s == pytest.approx(promoted_s, abs=AGREEMENT_S)
    assert logs[0] == logs[1] == logs[2]
    assert report.acked == len(logs[0])
    silence_s = max(after - before for before, after in pairwise(logs[0])) / 1000
    assert report.gap_s == pytest.approx(silence_s, abs=AGREEMENT_S)
    assert (report.lost, report.doubled, report.disordered) == (0, 0, 0)
    assert report.held > 0
