"""Drills on the users' side: who vanishes, who reads too slowly, what proxies do to bytes."""

import asyncio
from typing import Final

import psutil

from deploy.local.chat_node import ChatNode
from deploy.local.waiting import until
from tests.drills.rig.doors import Doors
from tests.drills.rig.drill import drill
from tests.drills.rig.lag import watching
from tests.drills.rig.stage import Stage
from tests.drills.rig.wire import Wire

GHOSTS: Final = 20
SLOW: Final = 20
REAPED: Final = 40.0  # seconds
CLOSED: Final = 30.0
USUAL: Final = 4.0  # seconds over which the others' p99 is measured before
MEMORY: Final = 96 * 2**20  # bytes: 20 outboxes of 1 MiB, and what a process grows under load
MEGABYTE: Final = 2**20


@drill("F20", "clients vanish without a word, and others read too slowly",
       publishers=50, period=0.1, padding=1000, rooms=1, devices=4)  # fmt: skip
async def ghosts_and_slow_readers(stage: Stage) -> None:
    await stage.flowing()
    chat = stage.random.choice(stage.cluster.chats)
    doors = Doors([chat])
    await doors.open()
    try:
        ghosts = await joined(stage, doors, chat, GHOSTS)
        readers = [asyncio.create_task(drain(ghost)) for ghost in ghosts]
        with stage.fault("F20") as fault:
            doors.edges[chat.name].stall()
            before = await connections(stage, chat)
            await slow_readers(stage, chat)
            left = before - GHOSTS

            async def reaped() -> bool:
                return await connections(stage, chat) <= left

            await until(reaped, REAPED - (stage.now - fault.since), "the vanished are reaped")
            took = stage.now - fault.since
            fault.proved(f"{GHOSTS} clients vanished and were reaped after {took:.1f} s")
            stage.terms.within("seconds until the vanished are reaped", took, REAPED)
            await stage.flowing()
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    finally:
        await doors.close()


async def slow_readers(stage: Stage, chat: ChatNode) -> None:
    """Let some read nothing: they are closed, and nobody else waits for them."""
    slow = [await stage.load.stranger(stage.address(chat)) for _ in range(SLOW)]
    readers = [asyncio.create_task(drain(wire)) for wire in slow]
    for wire in slow:
        await wire.send({"type": "join", "room": stage.load.rooms[0]})
    await stage.passing(1)
    began = stage.now
    await stage.passing(USUAL)
    usual = p99(stage, began, chat)
    memory = psutil.Process(chat.process.pid).memory_info().rss

    async def evicted() -> bool:
        return await stage.metric(chat, "chat_subscriber_evictions_total", "slow") >= SLOW

    async with watching(stage) as lags:
        with stage.fault("F20") as fault:
            for reader in readers:  # from now on they read nothing
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
            await until(evicted, CLOSED, "the slow readers are closed")
            fault.proved(f"{SLOW} slow readers were closed after {stage.now - fault.since:.1f} s")
            slower = p99(stage, fault.since, chat)
            other = next(one for one in stage.cluster.chats if one is not chat)
            # There are no slow readers there, at the same time and on the same machine.
            usual = max(usual, p99(stage, fault.since, other))
            await stage.flowing()
    grown = psutil.Process(chat.process.pid).memory_info().rss - memory
    stage.terms.most("MiB of memory for them", grown / MEGABYTE, MEMORY / MEGABYTE)
    # A machine that is busy with other things wakes nobody on time, the rig's own loop neither.
    stage.terms.most("p99 of the others", slower, usual * 1.1 + lags.machine)
    for wire in slow:
        wire.abort()


async def joined(stage: Stage, doors: Doors, chat: ChatNode, count: int) -> list[Wire]:
    wires = [await stage.load.stranger(doors.address(chat)) for _ in range(count)]
    for wire in wires:
        await wire.send({"type": "join", "room": stage.load.rooms[0]})
    return wires


async def drain(wire: Wire) -> None:
    while True:
        await wire.receive()


async def connections(stage: Stage, chat: ChatNode) -> int:
    return int((await stage.ask(chat, "/health/websocket"))["connections"])


def p99(stage: Stage, since: float, chat: ChatNode) -> float:
    """Return how long all but one of a hundred publishes at a server waited at most, in s."""
    acks = stage.journal.acks_after(since, chat.name)
    waits = sorted(ack.at - ack.invoked for ack in acks)
    return waits[len(waits) * 99 // 100]


@drill("F23", "proxies in front: slices of one byte, frames in one packet, idle connections cut",
       publishers=8, period=0.3, rooms=2, devices=1, doors=True)  # fmt: skip
async def proxies(stage: Stage) -> None:
    stage.leaving = True
    edges = list(stage.doors.edges.values())
    await stage.flowing(30)
    with stage.fault("F23") as fault:
        for edge in edges:
            edge.cut_into(1)
        bytes_before = sum(lane.passed for edge in edges for lane in edge.lanes)
        await stage.passing(3, 5)
        await stage.flowing(30)
        passed = sum(lane.passed for edge in edges for lane in edge.lanes) - bytes_before
        fault.proved(f"{passed} bytes passed, each in a write of its own")
        for edge in edges:
            edge.heal()
        fault.healed()
    with stage.fault("F23") as fault:
        withheld = 0
        for _ in range(6):
            for edge in edges:
                edge.stall()
            await stage.passing(0.3, 0.8)
            withheld += sum(lane.withheld for edge in edges for lane in edge.lanes)
            for edge in edges:
                edge.heal()
            await stage.passing(0.2)
        fault.proved(f"{withheld} bytes came in bursts")
        fault.healed()
        await stage.flowing(30)
    with stage.fault("F23") as fault:
        for edge in edges:
            edge.reset()
        cut = sum(edge.dropped for edge in edges)
        fault.proved(f"{cut} connections were cut")
        await stage.flowing(30)
        stage.terms.recovered(stage.journal.recovery(fault.since), 2)
