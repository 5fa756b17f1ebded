"""A storage that goes away: held as long as promised, then `Unavailable`, and the same key safe."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from chat.engine import Engine
from chat.errors import Unavailable
from chat.frames import User
from chat.log import Draft, Receipt
from chat.presence import ConnectionInfo, Disconnect
from chat.revocations import Revocation
from deploy.local.cluster import Cluster
from tests.resilience.nodes import Node, OpenNode, opener
from tests.resilience.recorder import Recorder, draft, until
from tests.resilience.storages import ALONE, Clusters, empty

HOLD_S = 1.0
PATIENT_S = 30.0
SHUTDOWN_S = 10.0
ANN = User("ann", "Ann")
HERE = ConnectionInfo(conn="1", user="ann", node="a", address="192.0.2.0", since=1)


@pytest.fixture(params=ALONE)
def alone(request: pytest.FixtureRequest, clusters: Clusters) -> Cluster:
    """A Redis without replicas."""
    return clusters(request.param)


@pytest.fixture
async def storage(alone: Cluster) -> AsyncIterator[Cluster]:
    """A Redis with nothing in it that a test may stop; it runs again afterwards."""
    await empty(alone)
    yield alone
    await alone.restart(alone.nodes[0])
    await alone.wait_until_healthy()


@pytest.fixture
async def open_node(storage: Cluster) -> AsyncIterator[OpenNode]:
    """Opens a node that holds for a short time, unless told otherwise."""
    async with opener(storage.url(), hold_s=HOLD_S) as open_node:
        yield open_node


@pytest.fixture
async def patient(open_node: OpenNode) -> Node:
    """A node that holds longer than the storage is away."""
    return await open_node(hold_s=PATIENT_S)


async def stop(storage: Cluster) -> None:
    """Shut the Redis down by SIGTERM: one without replicas keeps all it acknowledged only so.

    Killed while an fsync is under way, it has acknowledged what it has not handed to the kernel
    (flushAppendOnlyFile in Redis' aof.c): that loss is told, and is not what is tested here.
    """
    await storage.nodes[0].process.terminate(SHUTDOWN_S)


async def go_on(storage: Cluster) -> None:
    await storage.restart(storage.nodes[0])


async def test_an_append_is_held_then_unavailable(storage: Cluster, node: Node) -> None:
    """Without storage an append is refused not before the hold deadline and not long after it."""
    await stop(storage)
    start = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable) as caught:
        await node.log.append(draft())
    held = asyncio.get_running_loop().time() - start
    assert HOLD_S * 0.9 < held < HOLD_S + 2
    assert caught.value.code == "unavailable"
    assert (caught.value.retry_ms or 0) > 0


@pytest.mark.parametrize(
    "call",
    [
        lambda engine: engine.log.read("den", limit=1),
        lambda engine: engine.log.follow("den"),
        lambda engine: engine.presence.view("den", 1),
        lambda engine: engine.connections.find(),
        lambda engine: engine.connections.order(Disconnect(close="kicked", conn="1")),
        lambda engine: engine.connections.revoke(Revocation(at=1, jti="t1")),
    ],
    ids=["read", "follow", "view", "find", "order", "revoke"],
)
async def test_questions_are_unavailable_in_the_end(
    storage: Cluster, node: Node, call: Callable[[Engine], Awaitable[object]]
) -> None:
    """What needs the storage for an answer raises `Unavailable` within the hold time."""
    await stop(storage)
    async with asyncio.timeout(HOLD_S + 2):
        with pytest.raises(Unavailable):
            await call(node.engine)


async def test_what_returns_at_once_still_does(storage: Cluster, patient: Node) -> None:
    """Entering, registering and signalling raise nothing meanwhile, and show when it is back."""
    engine = patient.engine
    await engine.log.follow("den")
    await stop(storage)
    engine.presence.enter("den", "1", ANN)
    engine.connections.register(HERE)
    engine.signals.send("den", b"{}")
    assert patient.heard.signals == [("den", b"{}")]
    await go_on(storage)
    assert (await until(lambda: engine.presence.view("den", 1), lambda v: v.count == 1)).members
    await until(engine.connections.find, lambda found: found == [HERE])


async def test_appends_are_held_in_their_order(storage: Cluster, patient: Node) -> None:
    """What is appended while the storage is away is answered when it is back, in order, once."""
    await patient.log.follow("den")
    await patient.log.append(draft())
    await stop(storage)
    answers = [patient.log.append(draft()) for _ in range(100)]
    await asyncio.sleep(0)
    assert not any(answer.done() for answer in answers)
    await go_on(storage)
    receipts = await asyncio.gather(*answers)
    assert [receipt.seq for receipt in receipts] == list(range(2, 102))
    assert not any(receipt.dup for receipt in receipts)
    await patient.heard.hears(101)
    assert patient.heard.seqs() == list(range(1, 102))
    assert patient.heard.losses == []


async def test_an_unknown_outcome_is_found_out_by_its_key(
    storage: Cluster, node: Node, patient: Node
) -> None:
    """Stopped amid appends, whatever was not answered is appended again: all stand there once."""
    drafts = [draft(user=f"u{index % 4}") for index in range(2_000)]
    first: dict[str, int] = {}

    async def say(said: Draft) -> None:
        try:
            first[said.cid] = (await node.log.append(said)).seq
        except Unavailable:
            unknown.append(said)

    unknown: list[Draft] = []
    talking = asyncio.gather(*map(say, drafts[:1_000]))
    while not first:
        await asyncio.sleep(0)
    late = asyncio.gather(*map(say, drafts[1_000:]))
    await stop(storage)
    await asyncio.gather(talking, late)
    assert unknown
    await go_on(storage)
    # By a node that waits: a history read back from disk is in doubt for a second.
    again = await asyncio.gather(*map(patient.log.append, unknown))
    places = first | {said.cid: receipt.seq for said, receipt in zip(unknown, again, strict=True)}
    assert sorted(places.values()) == list(range(1, 2_001))
    repeated: list[Receipt] = await asyncio.gather(*map(patient.log.append, drafts))
    assert [receipt.seq for receipt in repeated] == [places[said.cid] for said in drafts]
    assert all(receipt.dup for receipt in repeated)


async def test_the_phase_is_told(storage: Cluster, node: Node) -> None:
    """The listener is told that the storage is away, why, and that it is up again."""
    await stop(storage)
    await node.heard.until(lambda heard: bool(heard.storages) and not heard.storages[-1].up)
    assert not node.engine.storage.up
    assert all(told.reason and told.since for told in node.heard.storages)
    await go_on(storage)
    await node.heard.until(lambda heard: heard.storages[-1].up)
    assert node.engine.storage == node.heard.storages[-1]


async def test_the_stream_goes_on(storage: Cluster, patient: Node, open_node: OpenNode) -> None:
    """After an outage every node hears what any of them appends, without a gap."""
    other: Node = await open_node(hold_s=PATIENT_S)
    heards: list[Recorder] = [patient.heard, other.heard]
    for each in (patient, other):
        await each.log.follow("den")
    await patient.log.append(draft())
    await stop(storage)
    held = other.log.append(draft())
    await go_on(storage)
    assert (await held).seq == 2
    await patient.log.append(draft())
    for heard in heards:
        await heard.hears(3)
        assert heard.seqs() == [1, 2, 3]
        assert heard.losses == []


async def test_who_gives_up_takes_nobody_along(storage: Cluster, patient: Node) -> None:
    """Of two that wait to hear a room one goes away; the other hears it when the storage is up."""
    await stop(storage)
    leaves = asyncio.create_task(patient.log.follow("den"))
    stays = asyncio.create_task(patient.log.follow("den"))
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.wait({leaves})
    await go_on(storage)
    async with asyncio.timeout(PATIENT_S / 2):
        assert (await stays).seq == 0
    await patient.log.append(draft())
    await patient.heard.hears(1)
