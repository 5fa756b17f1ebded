"""Drills on time: Redis slow or stalled, scripts forgotten, a loop blocked, a clock that jumps."""

import os
import signal
import time
from datetime import datetime
from typing import Final

from deploy.local.chat_node import ChatNode
from deploy.local.waiting import until
from resilience.scripts import APPEND
from tests.drills.rig.drill import drill
from tests.drills.rig.lag import watching
from tests.drills.rig.stage import Stage
from tests.drills.rig.vault import stat

CLEAN: Final = 4.0  # seconds over which a rate is measured
EACH_WAY: Final = 0.1
LIMIT: Final = 1200  # publishes a minute and user, in the drill of the clock
BLOCKED: Final = 2.0


async def rate(stage: Stage, seconds: float) -> float:
    """Return the acks a second over some time."""
    began = stage.now
    await stage.passing(seconds)
    return len(stage.journal.acks_after(began)) / (stage.now - began)


@drill("F15", "Redis is slow by 200 ms, then stalls for 1 s", mesh=True, publishers=160, period=1.0)
async def slow(stage: Stage) -> None:
    cluster = stage.cluster
    master = await cluster.master()
    edges = [cluster.mesh.edge(name, master.name) for name in stage.chat_names]
    await stage.flowing()
    clean = await rate(stage, CLEAN)
    async with watching(stage) as lags:
        with stage.fault("F15") as fault:
            for edge in edges:
                edge.delay(EACH_WAY)
            await stage.passing(1)
            slowed = await rate(stage, CLEAN)
            waits = sorted(wait for at, wait in stage.journal.answers if at > fault.since + 1)
            median = waits[len(waits) // 2]
            if median > EACH_WAY:
                fault.proved(f"the median answer took {median * 1000:.0f} ms")
            stage.terms.least("throughput of clean", slowed / clean, 0.8)
            cluster.mesh.heal()
            fault.healed()
            await stage.flowing()
        with stage.fault("F15") as fault:
            await master.command("DEBUG", "SLEEP", 1, deadline=3)
            await stage.flowing()
            begin, end = stage.journal.silence(fault.since)
            fault.proved(f"no ack for {end - begin:.2f} s")
            stage.terms.recovered(stage.journal.recovery(fault.since), 2)
    stage.terms.most("failovers", float(await cluster.master() is not master), 0)
    stage.terms.most("loop lag beyond the machine's", lags.beyond, 0.05)
    stage.terms.most("errors told to clients", sum(stage.journal.errors.values()), 0)


@drill("F16", "the script cache is flushed on every node, ten times")
async def flushed(stage: Stage) -> None:
    master = await stage.cluster.master()
    await stage.flowing()
    with stage.fault("F16") as fault:
        for _ in range(10):
            for node in stage.cluster.nodes:
                await node.command("SCRIPT", "FLUSH")
            await stage.passing(0, 0.5)

        async def missed() -> str | None:
            return await stat(master, "errorstats", "errorstat_NOSCRIPT")

        count = await until(missed, 5, "NOSCRIPT from the master")
        await stage.flowing()
        known = (await master.command("SCRIPT", "EXISTS", APPEND.sha))[0]
        fault.proved(f"the master said NOSCRIPT: {count}; it knows the script again: {known}")
        stage.terms.recovered(stage.journal.recovery(fault.since), 0.5)
    stage.terms.most("errors told to clients", sum(stage.journal.errors.values()), 0)


@drill(
    "F22",
    "a loop is blocked for 2 s, then its wall clock jumps by an hour, ahead, behind and back",
    publishers=40,
    period=0.2,
    program=("tests.drills.jumping",),
    settings={"RATE_LIMIT_MESSAGES_PER_MINUTE": str(LIMIT)},
)
async def clocks(stage: Stage) -> None:
    chat = stage.random.choice(stage.cluster.chats)
    flood = stage.load.write("flood", 0, period=0.002)
    await stage.flowing()
    with stage.fault("F22") as fault:
        stage.cluster.hang(chat)
        await stage.passing(BLOCKED)
        silent = not stage.journal.answered_late(fault.since + 0.1, chat.name)
        stage.cluster.resume(chat)
        healed = fault.healed()
        if silent:
            fault.proved(f"{chat.name} said nothing for {BLOCKED:g} s")
        await stage.flowing()
        stage.terms.recovered(stage.journal.recovery(healed, chat.name), 2)
    for number, hours in ((signal.SIGUSR1, 1), (signal.SIGUSR2, -1), (signal.SIGWINCH, 0)):
        with stage.fault("F22") as fault:
            for one in stage.cluster.chats:
                os.kill(one.process.pid or 0, number)
            await until_jumped(stage, hours)
            fault.proved(f"the servers' clock jumped to {hours:+d} h")
            await stage.passing(4)
            await stage.flowing()
    mine = [ack.at for ack in stage.journal.acks if ack.user == flood.name]
    stage.terms.most("acks of the flood in 60 s", busiest(mine), LIMIT)
    stage.terms.least("refusals of the flood", stage.journal.limited[flood.name], 1)
    others = set(stage.journal.limited) - {flood.name}
    stage.terms.most("others refused", len(others), 0)


def busiest(times: list[float]) -> int:
    """Return the most of these times that lie in one window of 60 s."""
    return max((sum(at <= other < at + 60 for other in times) for at in times), default=0)


async def until_jumped(stage: Stage, hours: int) -> None:
    """Wait until each server tells a time that is so many hours off."""
    for chat in stage.cluster.chats:

        async def jumped(chat: ChatNode = chat) -> bool:
            told = (await stage.ask(chat, "/health/websocket"))["timestamp"]
            off = datetime.fromisoformat(told).timestamp() - time.time()
            return abs(off - hours * 3600) < 60

        await until(jumped, 5, f"{chat.name} is {hours:+d} h off")
