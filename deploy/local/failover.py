"""One failover, watched from outside: what broke, how long it took, and what became of whom."""

import asyncio
import time
from itertools import pairwise
from typing import Final

import msgspec

from deploy.local.audience import Person, audience, read_log
from deploy.local.cluster import Cluster
from deploy.local.commands import UNANSWERED
from deploy.local.redis_node import RedisNode
from deploy.local.waiting import until

KINDS: Final = ("kill", "hang", "planned")
PEOPLE: Final = 20
BEFORE_S: Final = 1.5
AFTER_S: Final = 2.0
NEW_MASTER_S: Final = 30.0
HELD_S: Final = 0.25  # an ack this late was waited for, not just slow
BACK_S: Final = 1.0


class Report(msgspec.Struct, kw_only=True):
    """What was seen; times in seconds from the fault, -1 for what did not happen."""

    kind: str
    old: str
    new: str
    detected_s: float
    promoted_s: float
    acked_s: float
    gap_s: float
    acked: int
    held: int
    refused: int
    lost: int
    doubled: int
    disordered: int
    sockets: str

    def text(self) -> str:
        """Return the report for people."""
        detected = f"{self.detected_s:.2f} s" if self.detected_s >= 0 else "not needed"
        return "\n".join(
            (
                f"  {self.kind}: {self.old} is replaced by {self.new}",
                f"  detected by the sentinels     {detected}",
                f"  a new master promoted         {self.promoted_s:.2f} s",
                f"  first message acknowledged    {self.acked_s:.2f} s",
                f"  longest silence of acks       {self.gap_s:.2f} s",
                f"  acknowledged {self.acked:,}, of these held {self.held}, refused {self.refused}",
                f"  lost {self.lost}, doubled {self.doubled}, out of order {self.disordered}",
                f"  sockets kept {self.sockets}",
            )
        )


async def fail_over(cluster: Cluster, kind: str) -> Report:
    """Break the master while people talk over all chat servers, and report.

    What was killed or hung is back when this returns or fails.
    """
    urls = [chat.url for chat in cluster.chats]
    room = f"failover-{time.time_ns()}"
    async with audience(urls, cluster.jwt_secret, room, PEOPLE) as people:
        await asyncio.sleep(BEFORE_S)
        old = await cluster.master()
        broken = time.monotonic()
        detecting = asyncio.create_task(_detected(cluster))
        try:
            await _break(cluster, old, kind)
            new = await cluster.wait_for_new_master(old, NEW_MASTER_S)
            promoted = time.monotonic()
            await until(lambda: _acked(people, promoted), NEW_MASTER_S, "an ack by the new master")
            detected = detecting.result() if detecting.done() else -1.0
        except Exception:
            await _bring_back(cluster, old)
            raise
        finally:
            detecting.cancel()
            await asyncio.gather(detecting, return_exceptions=True)
        await asyncio.sleep(AFTER_S)
        kept = sum(not person.socket.closed for person in people)
    await _mend(cluster, old, kind)
    logs = [await read_log(url, cluster.jwt_secret, room) for url in urls]
    return _report(
        people,
        logs,
        Report(
            kind=kind,
            old=old.name,
            new=new.name,
            detected_s=detected - broken if detected >= 0 else -1,
            promoted_s=promoted - broken,
            acked_s=min(end for p in people for _, end in p.acks if end > promoted) - broken,
            gap_s=0,
            acked=0,
            held=0,
            refused=sum(person.refused for person in people),
            lost=0,
            doubled=0,
            disordered=0,
            sockets=f"{kept}/{len(people)}",
        ),
    )


async def _break(cluster: Cluster, master: RedisNode, kind: str) -> None:
    if kind == "kill":
        await cluster.kill(master)
    elif kind == "hang":
        cluster.hang(master)
    else:
        await cluster.failover()


async def _mend(cluster: Cluster, node: RedisNode, kind: str) -> None:
    if kind == "kill":
        await asyncio.sleep(BACK_S)
    await _bring_back(cluster, node)
    await cluster.wait_until_replicating(NEW_MASTER_S)


async def _bring_back(cluster: Cluster, node: RedisNode) -> None:
    cluster.resume(node)
    if not node.process.running:
        await cluster.restart(node)


async def _detected(cluster: Cluster) -> float:
    """Return when a sentinel first calls the master down."""

    async def down() -> bool:
        for sentinel in cluster.sentinels:
            try:
                if "down" in (await sentinel.master())["flags"]:
                    return True
            except UNANSWERED:
                continue
        return False

    await until(down, NEW_MASTER_S, "a master called down")
    return time.monotonic()


async def _acked(people: list[Person], since: float) -> bool:
    return any(person.acks and person.acks[-1][1] > since for person in people)


def _report(people: list[Person], logs: list[dict[str, int]], report: Report) -> Report:
    acked = {cid: seq for person in people for cid, seq in person.acked.items()}
    waits = [end - begin for person in people for begin, end in person.acks]
    moments = sorted(end for person in people for _, end in person.acks)
    report.gap_s = max((after - before for before, after in pairwise(moments)), default=0)
    report.acked = len(acked)
    report.held = sum(wait > HELD_S for wait in waits)
    report.lost = sum(any(log.get(cid) != seq for log in logs) for cid, seq in acked.items())
    report.doubled = sum(len(p.heard) - len(set(p.heard)) for p in people)
    report.disordered = sum(
        after != before + 1 for person in people for before, after in pairwise(person.heard)
    )
    return report
