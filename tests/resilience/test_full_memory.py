"""A master without memory refuses what is new, and shows what is there."""

import asyncio

import pytest

from chat.errors import Unavailable
from chat.frames import User
from deploy.local.cluster import Cluster
from tests.resilience.nodes import opener
from tests.resilience.recorder import draft
from tests.resilience.storages import empty

HOLD_S = 2.0
PEACE = 1_000  # commands a second, of a node that repeats two of them every 20 ms


async def test_history_is_read_from_a_master_without_memory(shared: Cluster) -> None:
    """`maxmemory` reached: an append is refused, the log is read all the same, then all is well."""
    await empty(shared)
    master = await shared.master()
    async with opener(shared.url(), hold_s=HOLD_S) as open_node:
        node = await open_node()
        receipt = await node.log.append(draft())
        try:
            await master.command("CONFIG", "SET", "maxmemory", "1mb")
            refused = node.log.append(draft())
            page = await node.log.read("den", limit=10)
            assert [event.seq for event in page.events] == [receipt.seq]
            with pytest.raises(Unavailable):
                await refused
        finally:
            await master.command("CONFIG", "SET", "maxmemory", "256mb")
        async with asyncio.timeout(HOLD_S):
            assert (await node.log.append(draft())).seq > receipt.seq


async def test_a_master_without_memory_is_left_in_peace(shared: Cluster) -> None:
    """What it refuses for want of memory is repeated now and then, not as fast as it answers."""
    await empty(shared)
    master = await shared.master()

    async def commands() -> int:
        stats: str = await master.command("INFO", "stats")
        return int(stats.partition("total_commands_processed:")[2].split()[0])

    async with opener(shared.url(), hold_s=HOLD_S) as open_node:
        node = await open_node()
        try:
            await master.command("CONFIG", "SET", "maxmemory", "1mb")
            node.engine.presence.enter("den", "conn", User("ann"))
            await asyncio.sleep(HOLD_S / 4)
            before = await commands()
            await asyncio.sleep(1)
            assert await commands() - before < PEACE
        finally:
            await master.command("CONFIG", "SET", "maxmemory", "256mb")
