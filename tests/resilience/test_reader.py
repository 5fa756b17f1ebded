"""The reader: no more in one round trip than is answered in time, and rests between refusals."""

import asyncio
from functools import partial
from typing import cast

import pytest

from chat.errors import Unavailable
from deploy.local.cluster import Cluster
from resilience import reader as reading
from resilience.known import Known
from resilience.reader import Question, Reader
from resilience.records import Records
from resilience.succession import Succession
from resilience.verdicts import AGAIN_S, MISTAKE_S
from tests.resilience.nodes import LONG_HOLD_S, OpenNode, refused, usual_s
from tests.resilience.recorder import until
from tests.resilience.storages import forgotten_scripts

HOLD_S = 1.0
WRONG = "read WRONGTYPE"


async def test_what_many_pages_bring_is_read_in_several_round_trips() -> None:
    """Reads that may bring nothing go together, those that may bring much in turns."""
    reader = Reader(cast("Succession", None), Known(), Records(), lambda: "epoch", HOLD_S)
    pages = 3 * reading.EVENTS // 100
    asking = [
        asyncio.create_task(reader.page(Question(f"room-{index}", "last", 0, 100)))
        for index in range(pages)
    ]
    heads = [
        asyncio.create_task(reader.page(Question("den", "head"))) for _ in range(reading.BATCH)
    ]
    await asyncio.sleep(0)
    assert [len(reader._take()) for _ in range(4)] == [pages // 3] * 3 + [reading.BATCH]
    for task in (*asking, *heads):
        task.cancel()
    await asyncio.gather(*asking, *heads, return_exceptions=True)


async def test_looks_for_what_may_be_missing_go_together() -> None:
    """After a failover all rooms are looked at: of a known one as much is expected as is known."""
    known = Known()
    known.note("den", "epoch", 7)
    reader = Reader(cast("Succession", None), known, Records(), lambda: "epoch", HOLD_S)
    asking = [
        asyncio.create_task(reader.page(Question("den", which, bound, 500)))
        for which, bound in [("head", 0), ("after", 7), ("after", 9), ("after", 5)] * 32
    ]
    await asyncio.sleep(0)
    taken = reader._take()
    assert [asked.events for asked in taken] == [0, 0, 0, 2] * 32
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_what_may_not_be_loaded_is_read_with_rests(
    shared: Cluster, open_shared: OpenNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the right to load scripts a read is tried again, but not as fast as it fails."""
    node, master = await open_shared(hold_s=HOLD_S), await shared.master()
    engine = node.redis
    built = 0
    get = engine.known.get

    def counted(room: str) -> object:
        nonlocal built
        built += 1
        return get(room)

    monkeypatch.setattr(engine.known, "get", counted)
    async with forgotten_scripts(master):
        with pytest.raises(Unavailable):
            await node.log.read("den", limit=1)
    assert 2 <= built <= HOLD_S / MISTAKE_S + 1
    assert 1 <= await refused(node, "read NOPERM")() <= built
    assert (await node.log.read("den", limit=1)).events == []


async def test_a_broken_room_holds_no_other_read_up(shared: Cluster, open_shared: OpenNode) -> None:
    """Reads of other rooms are as fast as ever while one can't be read, and that is told."""
    node, master = await open_shared(hold_s=LONG_HOLD_S), await shared.master()
    whole = partial(node.log.read, "whole", limit=1)
    usual = await usual_s(whole)
    await master.command("SET", "hf:{broken}:meta", "no hash")
    broken = asyncio.create_task(node.log.read("broken", limit=1))
    await until(refused(node, WRONG), bool)
    assert await usual_s(whole) < usual + AGAIN_S / 2
    assert not broken.done()
    with pytest.raises(Unavailable):
        await broken
    assert await refused(node, WRONG)() <= LONG_HOLD_S / MISTAKE_S + 1


async def test_many_reads_of_a_broken_room_hold_no_other_up(
    shared: Cluster, open_shared: OpenNode
) -> None:
    """As many as fill whole round trips rest beside the others, not before them."""
    node, master = await open_shared(hold_s=LONG_HOLD_S), await shared.master()
    await master.command("SET", "hf:{broken}:meta", "no hash")
    broken = [
        asyncio.create_task(node.log.read("broken", limit=1)) for _ in range(2 * reading.BATCH)
    ]
    await until(refused(node, WRONG), bool)
    assert await usual_s(partial(node.log.read, "whole", limit=1)) < MISTAKE_S / 2
    assert not any(read.done() for read in broken)
    outcomes = await asyncio.gather(*broken, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unavailable}


async def test_reads_that_rest_are_counted_with_those_that_wait(
    shared: Cluster, open_shared: OpenNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads of a broken room are as many as may wait; the next is refused at once, not kept too."""
    monkeypatch.setattr(reading, "WAITING", 3)
    node, master = await open_shared(hold_s=LONG_HOLD_S), await shared.master()
    await master.command("SET", "hf:{broken}:meta", "no hash")
    broken = [asyncio.create_task(node.log.read("broken", limit=1)) for _ in range(3)]
    await until(refused(node, WRONG), bool)
    with pytest.raises(Unavailable):
        async with asyncio.timeout(MISTAKE_S / 2):
            await node.log.read("broken", limit=1)
    assert not any(read.done() for read in broken)
    await asyncio.wait(broken)
    await asyncio.sleep(MISTAKE_S)
    assert (await node.log.read("whole", limit=1)).events == []
