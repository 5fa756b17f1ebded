"""Performing a drill: build the stage, act, quiesce, read every log, judge."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from chat.text import sanitise
from deploy.local.cluster import Cluster
from deploy.local.waiting import until
from tests.drills.checker.check import Report, Verdict, check
from tests.drills.history import Plan, Recorder, load
from tests.drills.rig.doors import Doors
from tests.drills.rig.drill import Drill, Shape
from tests.drills.rig.journal import Journal
from tests.drills.rig.load import Load, loaded
from tests.drills.rig.pages import UNANSWERED, page, whole_log
from tests.drills.rig.stage import Stage
from tests.drills.rig.starvation import sampling
from tests.drills.rig.terms import Terms
from tests.drills.rig.vault import stored_log
from tests.drills.rig.wire import Address
from tests.drills.verdict import Row, row

SETTLE: Final = 5.0  # seconds until everybody must have seen everything
REPLICATING: Final = 30.0
LONGEST_ANSWER: Final = 15.5  # Q: the hold time of 15 s, and the way of the answer
# What a drill writes must fit below, and all of its users come from one address.
SETTINGS: Final = {
    "ROOM_HISTORY": "1000000",
    "RATE_LIMIT_MESSAGES_PER_MINUTE": "1000000",
    "WEBSOCKET_MAX_CONNECTIONS": "5000",
    "WEBSOCKET_MAX_CONNECTIONS_PER_IP": "5000",
    "WEBSOCKET_MAX_UNAUTHENTICATED_PER_IP": "5000",
    "WEBSOCKET_HANDSHAKES_PER_MINUTE": "1000000",
}


@dataclass(frozen=True)
class Outcome:
    """What came of a drill: the checker's row and report, the terms, and Q and S for the table."""

    row: Row
    report: Report
    terms: Terms
    proved: int
    faults: int
    longest_wait: float
    sockets: str
    seconds: float
    failovers: int
    history: Path

    @property
    def verdict(self) -> Verdict:
        return Verdict.FAIL if self.terms.broken else self.report.verdict


async def perform(
    drill: Drill,
    seed: int,
    folder: Path,
    say: Callable[[str], None] = lambda _: None,
    *,
    patience: float = 1.0,
) -> Outcome:
    """Perform a drill in a folder that is there; its history stays in `history.jsonl`.

    `patience` stretches the bounds of its terms that are times; no other term knows of it.
    """
    began = time.monotonic()
    path = folder / "history.jsonl"
    with path.open("ab", buffering=1 << 20) as stream:
        recorder = Recorder(stream, time.monotonic_ns)
        journal = Journal(recorder)
        async with staged(drill, seed, folder / "cluster", journal) as stage:
            stage.say = say
            stage.terms.patience = patience
            async with sampling(stage.starvation):
                await drill.act(stage)
                await finish(stage)
    history = load(path)
    report = await asyncio.to_thread(check, history, sanitise)
    return Outcome(
        row=replace(row(history, report), drill=f"{drill.name} seed {seed}"),
        report=report,
        terms=stage.terms,
        proved=sum(bool(fault.proof) for fault in stage.harms),
        faults=sum(stage.faults.values()),
        longest_wait=journal.longest_wait,
        sockets=f"{journal.opened - len(journal.closes)}/{journal.opened}",
        seconds=time.monotonic() - began,
        failovers=stage.failovers,
        history=path,
    )


@asynccontextmanager
async def staged(drill: Drill, seed: int, folder: Path, journal: Journal) -> AsyncIterator[Stage]:
    """Start the cluster and its clients; they are gone at the end."""
    shape = drill.shape
    async with Cluster(
        directory=folder,
        mesh=shape.mesh,
        settings={**SETTINGS, **shape.settings},
    ) as cluster:
        await start_chats(cluster, shape)
        doors = Doors(cluster.chats) if shape.doors else None
        if doors:
            await doors.open()
        try:
            where = [doors.address(c) if doors else Address(c.name, c.url) for c in cluster.chats]
            journal.recorder.add(plan(drill, cluster))
            clients = Load(shape, where, cluster.jwt_secret, journal, seed)
            async with loaded(clients):
                yield Stage(cluster, clients, journal, doors, seed)
        finally:
            if doors:
                await doors.close()


async def start_chats(cluster: Cluster, shape: Shape) -> None:
    command = (sys.executable, "-m", *shape.program)
    chats = [cluster.chat(command=command) for _ in range(shape.chats)]
    await asyncio.gather(*(chat.start() for chat in chats))


def plan(drill: Drill, cluster: Cluster) -> Plan:
    return Plan(
        drill=drill.name,
        faults=(drill.fault,),
        sources=(*(chat.name for chat in cluster.chats), *(node.name for node in cluster.nodes)),
        acks_per_fault=drill.shape.acks_per_fault,
        settle_ns=int(SETTLE * 1e9),
    )


async def finish(stage: Stage) -> None:
    """Let every outcome become known and everything be seen, then read all logs from everywhere."""
    load = stage.load
    await load.hush()
    quiet = time.monotonic()
    stage.terms.within("Q", stage.journal.longest_wait, LONGEST_ANSWER)
    if not stage.leaving:
        stage.terms.most("sockets lost", len(stage.journal.closes), 0)
    await stage.cluster.wait_until_replicating(REPLICATING)
    heads = {room: await head(stage, room) for room in load.read_rooms}
    if not await load.settled(heads, SETTLE):
        await asyncio.sleep(max(0.0, quiet + SETTLE + 0.5 - time.monotonic()))
    for room in load.read_rooms:
        for address in load.addresses:
            log = await whole_log(load.http, address, load.token("reader"), room)
            stage.journal.recorder.add(log)
        for node in stage.cluster.nodes:
            stage.journal.recorder.add(await stored_log(node, room))


async def head(stage: Stage, room: str) -> int:
    """Return a room's head, from whichever server answers first."""
    load = stage.load

    async def answered() -> int | None:
        for address in load.addresses:
            try:
                found = await page(load.http, address, load.token("reader"), room, limit=1)
            except UNANSWERED:
                continue
            return int(found["head"]) + 1  # never zero: `until` waits for what is true
        return None

    return await until(answered, REPLICATING, f"the head of {room}") - 1
