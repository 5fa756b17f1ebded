"""A lane's second tries: what they answer, and that they come with a rest between them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from itertools import count

import pytest

from chat.errors import Unavailable
from chat.log import Draft, Receipt
from deploy.local.cluster import Cluster
from deploy.local.redis_node import RedisNode
from resilience.succession import BEAT_S, STALL_S
from resilience.verdicts import MISTAKE_S
from tests.resilience.nodes import LONG_HOLD_S, Node, OpenNode, Pair, refused, usual_s
from tests.resilience.recorder import draft, until
from tests.resilience.storages import forbidden, forgotten_scripts, too_few_replicas

HOLD_S = 2.0
ROOMS = 20
Refusing = Callable[[RedisNode], AbstractAsyncContextManager[None]]


async def append_after_a_refusal(node: Node, redis: RedisNode, said: Draft) -> Receipt:
    """Append with at least one try that is refused before the one that is not."""
    async with too_few_replicas(redis):
        answer = node.log.append(said)
        await until(refused(node, "NOREPLICAS"), bool)
    return await answer


async def test_what_was_refused_for_now_does_not_hide_a_retry(pair: Pair, shared: Cluster) -> None:
    """Refused first, the retry of what another node appended is a duplicate, a new one is none."""
    said, master = draft(), await shared.master()
    first = await pair.a.log.append(said)
    again = await append_after_a_refusal(pair.b, master, said)
    assert again == Receipt(first.seq, first.ts, dup=True)
    fresh = await append_after_a_refusal(pair.a, master, draft())
    assert (fresh.seq, fresh.dup) == (first.seq + 1, False)


@asynccontextmanager
async def cut_off_before_the_commit(cluster: Cluster, stands: int) -> AsyncIterator[None]:
    """Let so many messages be appended meanwhile, and cut all nodes off before their commit."""
    master, (frozen, _) = await cluster.master(), await cluster.replicas()

    async def length() -> int:
        return int(await master.command("XLEN", "hf:{den}:log"))

    cluster.hang(frozen)  # for less than it takes to be called down
    try:
        yield
        await until(length, lambda there: there == stands)
        await master.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    finally:
        cluster.resume(frozen)


async def test_a_second_try_is_no_duplicate(replicated: Cluster, open_replicated: OpenNode) -> None:
    """Cut off between append and commit, a node finds its own first try: new, and told of."""
    node, other = await open_replicated(node="a"), await open_replicated(node="b")
    await other.log.follow("den")
    said = draft()
    async with cut_off_before_the_commit(replicated, 1):
        answer = node.log.append(said)
    receipt = await answer
    assert (receipt.seq, receipt.dup) == (1, False)
    await other.heard.hears(1)
    assert (await other.log.read("den", limit=1)).head == 1
    assert await other.log.append(said) == Receipt(1, receipt.ts, dup=True)


async def test_a_retry_is_a_duplicate_however_often_it_is_tried(
    replicated: Cluster, open_replicated: OpenNode
) -> None:
    """Cut off too, the retry of what waits is one, and that of what the node knows another's."""
    node, other = await open_replicated(node="a"), await open_replicated(node="b")
    await node.log.follow("den")
    known = draft()
    first = await other.log.append(known)
    await node.heard.hears(first.seq)
    said = draft()
    async with cut_off_before_the_commit(replicated, 2):
        answers = [node.log.append(retried) for retried in (said, said, known)]
    receipts = await asyncio.gather(*answers)
    assert [(receipt.seq, receipt.dup) for receipt in receipts] == [
        (2, False),
        (2, True),
        (1, True),
    ]


async def test_what_may_not_be_loaded_is_tried_with_rests(
    shared: Cluster, open_shared: OpenNode
) -> None:
    """Without the right to load scripts a forgotten one is asked for in vain, but rarely."""
    node, master = await open_shared(hold_s=HOLD_S), await shared.master()
    async with forgotten_scripts(master):
        with pytest.raises(Unavailable):
            await node.log.append(draft())
    errors = node.engine.statistics().errors
    assert 1 <= errors["NOSCRIPT"] == errors["NOPERM"] <= HOLD_S / MISTAKE_S + 1
    assert (await node.log.append(draft())).seq == 1


async def test_a_lost_right_is_not_said_of_each_room(
    shared: Cluster, open_shared: OpenNode, caplog: pytest.LogCaptureFixture
) -> None:
    """Many rooms that may not be written, tried over and over, are one line of the log."""
    node, master = await open_shared(hold_s=LONG_HOLD_S, lanes=1), await shared.master()
    async with forbidden(master, "evalsha"):
        said = [node.log.append(draft(room=f"r{number}")) for number in range(ROOMS)]
        await until(refused(node, "NOPERM"), lambda count: count > ROOMS)
    await asyncio.gather(*said)
    assert caplog.messages.count("append_refused") == 1


async def test_a_broken_room_holds_nobody_else_up(shared: Cluster, open_shared: OpenNode) -> None:
    """A room whose key somebody has overwritten rests; the others of its lane need not."""
    node, master = await open_shared(hold_s=LONG_HOLD_S, lanes=1), await shared.master()
    await master.command("SET", "hf:{broken}:log", "no stream")
    began, seqs = time.monotonic(), count(1)

    async def say() -> None:
        assert (await node.log.append(draft(room="whole"))).seq == next(seqs)

    said = [node.log.append(draft(room="broken")) for _ in range(3)]
    await until(refused(node, "WRONGTYPE"), bool)
    assert await usual_s(say) < MISTAKE_S / 2
    await master.command("DEL", "hf:{broken}:log")
    assert [(await answer).seq for answer in said] == [1, 2, 3]
    tries = (time.monotonic() - began) / MISTAKE_S + 1
    assert 1 <= node.engine.statistics().errors["WRONGTYPE"] <= tries


async def test_a_broken_room_is_no_outage(shared: Cluster, open_shared: OpenNode) -> None:
    """Nothing else is tried but a room that can't be written: the storage is as up as before."""
    node, master = await open_shared(hold_s=HOLD_S), await shared.master()
    await master.command("SET", "hf:{broken}:log", "no stream")
    assert HOLD_S > STALL_S + 2 * BEAT_S
    with pytest.raises(Unavailable):
        await node.log.append(draft(room="broken"))
    assert all(told.up for told in node.heard.storages)
    assert node.engine.storage.up


@pytest.mark.parametrize(
    "refusing", [too_few_replicas, partial(forbidden, command="hset")], ids=["for now", "mistake"]
)
async def test_what_was_given_up_stalls_nothing(
    shared: Cluster, open_shared: OpenNode, refusing: Refusing
) -> None:
    """What nobody can write is an outage; given up, it is none, though nobody appends since."""
    node = await open_shared(hold_s=2 * HOLD_S)
    async with refusing(await shared.master()):
        held = node.log.append(draft())
        await node.heard.until(lambda heard: not node.engine.storage.up)
        with pytest.raises(Unavailable):
            await held
        async with asyncio.timeout(HOLD_S):
            await node.heard.until(lambda heard: node.engine.storage.up)


async def test_what_is_refused_at_once_keeps_no_lane_busy(open_shared: OpenNode) -> None:
    """A lane that only refused is idle: closing waits for nothing."""
    node = await open_shared(held=1)
    rooms = [f"room{number}" for number in range(6)]  # over both lanes
    answers = [node.log.append(draft(room=room)) for room in rooms]
    outcomes = await asyncio.gather(*answers, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Receipt] + 5 * [Unavailable]
    loop = asyncio.get_running_loop()
    for lane in node.redis.lanes:
        await lane.drained(loop.time() + HOLD_S)
        assert lane.idle
