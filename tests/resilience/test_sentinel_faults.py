"""One fault at a time on a master with two replicas and three sentinels."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from chat.engine import Phase
from chat.errors import Unavailable
from chat.frames import User
from chat.log import Receipt
from deploy.local.cluster import Cluster
from resilience.options import EngineOptions
from tests.resilience.nodes import Node, opener
from tests.resilience.recorder import draft
from tests.resilience.storm import Storm

FREE = (1_000_000, 60.0)
SOON_S = 0.5
CALLED_DOWN_S = 1.5 + 4.0  # down-after, and until a majority has said so
FILLED_S = 5.0
ADOPTED_S = 3.0  # Sentinel turns a former master round after eight
RECOVERED_S = 30.0
LEASE_S = 10.0

pytestmark = [pytest.mark.drill, pytest.mark.timeout(120)]


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster() as cluster:
        yield cluster


@pytest.fixture
async def nodes(cluster: Cluster) -> AsyncIterator[list[Node]]:
    asyncio.get_running_loop().set_debug(False)  # it costs ten times what it watches
    async with opener(cluster.url(), publish=FREE) as open_node:
        nodes = [await open_node(node=name) for name in ("a", "b")]
        for node in nodes:
            await node.log.follow("den")
        yield nodes


@pytest.fixture
async def storm(nodes: list[Node]) -> AsyncIterator[Storm]:
    """Fifty publishers in one room."""
    storm = Storm(nodes, rooms=("den",), pause_s=0.02)
    raging = asyncio.create_task(storm.rage())
    await storm.acked(500)
    yield storm
    storm.stop.set()
    await raging


async def pause(storm: Storm, seconds: float) -> float:
    """Return the longest time without an ack in the next seconds, until one comes at the end."""
    start = asyncio.get_running_loop().time()
    await asyncio.sleep(seconds)
    await storm.acked(1)
    times = [start, *sorted(ack.came for ack in storm.acks if ack.came > start)]
    return max(after - before for before, after in pairwise(times))


async def say(node: Node, count: int = 1) -> Receipt:
    """Append so many; return the last receipt."""
    receipts = await asyncio.gather(*(node.log.append(draft()) for _ in range(count)))
    return receipts[-1]


async def test_a_killed_replica_is_a_short_pause(cluster: Cluster, storm: Storm) -> None:
    """A replica whose process is gone leaves the set: no publisher is refused, half a second."""
    await cluster.kill((await cluster.replicas())[0])
    assert await pause(storm, 3) <= SOON_S
    assert storm.held == 0


async def test_a_frozen_replica_holds_until_called_down(cluster: Cluster, storm: Storm) -> None:
    """A replica that only hangs could be elected: acks wait until a majority calls it down."""
    frozen = (await cluster.replicas())[0]
    cluster.hang(frozen)
    longest = await pause(storm, CALLED_DOWN_S + 1)
    assert 1.0 <= longest <= CALLED_DOWN_S
    assert storm.held == 0
    cluster.resume(frozen)


async def test_a_deposed_master_that_believes_in_itself_holds_nothing(
    cluster: Cluster, nodes: list[Node]
) -> None:
    """Back before Sentinel turns it round it is no replica, also for who adopts again."""
    await say(nodes[0])
    old = await cluster.master()
    await cluster.kill(old)
    new = await cluster.wait_for_new_master(old, RECOVERED_S)
    await say(nodes[0])
    await cluster.restart(old)
    assert await old.role() == "master"
    await new.command("CLIENT", "KILL", "USER", "chat")
    async with asyncio.timeout(ADOPTED_S):
        await say(nodes[0])
    assert await old.role() == "master"


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "restarted"])
async def test_a_former_master_holds_up_no_newcomer(
    cluster: Cluster, nodes: list[Node], *, frozen: bool
) -> None:
    """Who starts while it is back and believes in itself can tell that it was master before."""
    await say(nodes[0])
    old = await cluster.master()
    if frozen:
        cluster.hang(old)
    else:
        await cluster.kill(old)
    await cluster.wait_for_new_master(old, RECOVERED_S)
    await say(nodes[0])
    if frozen:
        cluster.resume(old)
    else:
        await cluster.restart(old)
    async with opener(cluster.url()) as open_node:
        newcomer = await open_node(node="newcomer")
        async with asyncio.timeout(ADOPTED_S):
            await say(newcomer)
        assert await old.role() == "master"


async def test_a_promoted_replica_stops_the_acks(cluster: Cluster, nodes: list[Node]) -> None:
    """It comes from our master: whoever promoted it, nothing is acknowledged beside it."""
    await say(nodes[0])
    await (await cluster.replicas())[0].command("REPLICAOF", "NO", "ONE")
    held = asyncio.ensure_future(nodes[0].log.append(draft()))
    await nodes[0].heard.until(lambda heard: not heard.storages[-1].up)
    assert nodes[0].redis.state.reasons["a replica has become master"] == 1
    assert not held.done()
    held.cancel()


async def test_nothing_is_acked_without_replicas(cluster: Cluster, nodes: list[Node]) -> None:
    """With all replicas gone nothing is acknowledged; with one back it is, held meanwhile."""
    await say(nodes[0])
    replicas = await cluster.replicas()
    for replica in replicas:
        await cluster.kill(replica)
    held = nodes[0].log.append(draft())
    await asyncio.sleep(3)
    assert not held.done()
    assert not nodes[0].engine.storage.up
    await cluster.restart(replicas[0])
    assert (await held).seq == 2


async def test_what_comes_back_empty_is_told(cluster: Cluster, nodes: list[Node]) -> None:
    """All three lose their disks: both nodes are told of the loss, under a new epoch."""
    await say(nodes[0], 5)
    before = await nodes[0].log.read("den", limit=1)
    await asyncio.gather(*map(cluster.kill, cluster.nodes))
    for redis in cluster.nodes:
        await cluster.restart(redis, empty=True)
    async with asyncio.timeout(RECOVERED_S):
        receipt = None
        while receipt is None:
            try:
                receipt = await say(nodes[1])
            except Unavailable:
                continue
    for node in nodes:
        await node.heard.until(lambda heard: bool(heard.losses))
        assert node.heard.losses[0][1].epoch != before.epoch
    after = await nodes[0].log.read("den", limit=1)
    assert (after.head, after.epoch != before.epoch) == (1, True)
    assert receipt.seq == 1


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "restarted"])
async def test_a_double_loss_renews_the_epoch(
    cluster: Cluster, nodes: list[Node], *, frozen: bool
) -> None:
    """Master and the up-to-date replica die together: what remains goes on under a new epoch."""
    await say(nodes[0], 5)
    before = await nodes[0].log.read("den", limit=1)
    stale, other = await cluster.replicas()
    master = await cluster.master()
    if frozen:
        cluster.hang(stale)
        # What was sent to a frozen process is in its kernel: only a cut link loses anything.
        await master.command("CLIENT", "KILL", "TYPE", "replica")
    else:
        await cluster.kill(stale)
    assert (await say(nodes[0], 5)).seq == 10
    await asyncio.gather(cluster.kill(master), cluster.kill(other))
    if frozen:
        cluster.resume(stale)
    else:
        await cluster.restart(stale)
    await cluster.restart(other, empty=True)
    for node in nodes:
        async with asyncio.timeout(RECOVERED_S):
            while not node.heard.losses:
                await asyncio.sleep(0.05)
    after = await nodes[1].log.read("den", limit=10)
    assert after.epoch != before.epoch
    assert after.head in {0, 5}  # Sentinel can't tell restarted replicas apart
    assert (await say(nodes[1])).seq == after.head + 1


async def test_a_flushed_script_cache_is_nothing(cluster: Cluster, nodes: list[Node]) -> None:
    """Scripts that Redis forgot are loaded again, and no caller notices."""
    await say(nodes[0])
    for redis in cluster.nodes:
        await redis.command("SCRIPT", "FLUSH")
    assert (await say(nodes[0], 10)).seq == 11
    assert (await nodes[0].log.read("den", limit=1)).head == 11


async def test_a_lost_feed_is_made_good(cluster: Cluster, nodes: list[Node]) -> None:
    """Feeds that are cut off again and again miss nothing."""
    master = await cluster.master()
    for count in range(5):
        await say(nodes[0], 20)
        await master.command("CLIENT", "KILL", "TYPE", "pubsub")
        await say(nodes[0], 20)
        assert nodes[0].engine.storage.phase is Phase.UP, count
    for node in nodes:
        async with asyncio.timeout(FILLED_S):
            await node.heard.hears(200)
        assert node.heard.seqs() == list(range(1, 201))


async def test_a_lost_last_message_is_found(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that is committed and never published is heard within five seconds."""
    for lane in nodes[0].engine.log.lanes:  # type: ignore[attr-defined]
        monkeypatch.setattr(lane, "_publish", lambda *_: None)
    await say(nodes[0])
    for node in nodes:
        async with asyncio.timeout(FILLED_S):
            await node.heard.hears(1)


async def test_a_dead_node_takes_its_people_with_it(cluster: Cluster, nodes: list[Node]) -> None:
    """A node that stops without a word is noticed by its lease, and its users are gone."""
    doomed = await Node(cluster.url(), EngineOptions(node="doomed")).opened()
    for node, name in ((doomed, "ann"), (nodes[1], "bo")):
        node.engine.presence.enter("den", name, User(name))
    await nodes[1].heard.until(lambda heard: heard.members() == {"ann", "bo"})
    doomed._life.cancel()  # cancelled in the middle it has no time to say goodbye
    with pytest.raises(asyncio.CancelledError):
        await doomed._life
    async with asyncio.timeout(LEASE_S):
        while nodes[1].heard.members() != {"bo"}:
            await asyncio.sleep(0.05)
