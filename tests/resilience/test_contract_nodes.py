"""Two nodes on one storage: one log, one rate, one presence, orders and signals for both."""

import asyncio
import time

import pytest

from chat.errors import Refusal
from chat.frames import PresenceView, User
from chat.log import Receipt
from chat.presence import ConnectionInfo, Disconnect
from chat.revocations import Revocation
from deploy.local.cluster import Cluster
from tests.resilience.nodes import Node, OpenNode, Pair, talk
from tests.resilience.recorder import draft, until

LIMIT = 5
REVOKED_S = 5.0
REPORTED_S = 8.0  # two beats of the lease, on a busy machine
ANN, BO = User("ann", "Ann"), User("bo", "Bo")
TYPING = b'{"type":"typing","room":"den","user":"ann","on":true,"ttl_ms":6000}'


async def test_a_node_says_whether_it_commits_more_of_a_room(open_shared: OpenNode) -> None:
    """Of its own it knows what waits for the next round trip; of the others' nothing."""
    a, b = await open_shared(batch=2, lanes=1), await open_shared()
    await asyncio.gather(a.log.follow("den"), b.log.follow("den"))
    rooms = ["den", "den", "den", "hall", "hall", "hall"]
    await asyncio.gather(*[a.log.append(draft(room=room)) for room in rooms])
    await b.heard.hears(3)
    told = [(len(commit.events), commit.more) for commit in a.heard.commits]
    assert told == [(2, True), (1, False)]
    assert {commit.more for commit in b.heard.commits} == {None}


async def test_both_hear_one_stream(pair: Pair) -> None:
    """While both write, both hear every event at the same place with the same bytes, once."""
    positions = await asyncio.gather(pair.a.log.follow("den"), pair.b.log.follow("den"))
    assert positions[0] == positions[1]
    await asyncio.gather(talk(pair.a, "ann", 100), talk(pair.b, "bo", 100))
    for node in pair:
        await node.heard.hears(200)
        assert node.heard.seqs() == list(range(1, 201))
    assert pair.a.heard.events() == pair.b.heard.events()
    assert {commit.epoch for node in pair for commit in node.heard.commits} == {positions[0].epoch}


async def test_one_hears_the_other_from_its_position_on(pair: Pair) -> None:
    """A node that follows while another writes hears all above its position, dense and once."""
    talking = asyncio.create_task(talk(pair.a, "ann", 300))
    while (await pair.b.log.read("den", limit=0)).head < 20:
        await asyncio.sleep(0)
    position = await pair.b.log.follow("den")
    await talking
    await pair.b.heard.hears(300)
    first = pair.b.heard.seqs()[0]
    assert 20 < first <= position.seq + 1
    assert pair.b.heard.seqs() == list(range(first, 301))


async def test_a_receipt_here_is_a_read_there(pair: Pair) -> None:
    """What one node was answered is in every read that another begins afterwards."""
    for seq in range(1, 51):
        await pair.a.log.append(draft())
        assert (await pair.b.log.read("den", limit=1)).events[0].seq == seq


async def test_what_a_node_counts_is_shown_at_every_node(pair: Pair) -> None:
    """An administrator of one node sees what another one counts, as of its last beats."""
    pair.a.engine.counted = lambda: {"published": 7, "delivered": 21}
    name = pair.a.engine.node

    async def shown() -> bool:
        nodes = (await pair.b.engine.cluster())["nodes"]
        return bool(nodes.get(name, {}).get("delivered") == 21)

    async with asyncio.timeout(REPORTED_S):
        while not await shown():
            await asyncio.sleep(0.1)
    assert (await pair.b.engine.cluster())["nodes"][name]["published"] == 7


async def test_a_key_holds_on_every_node(pair: Pair) -> None:
    """The same draft on both nodes at once is stored once; other content is a conflict there."""
    for _ in range(20):
        said = draft()
        receipts = await asyncio.gather(*[node.log.append(said) for node in pair])
        assert sorted(receipt.dup for receipt in receipts) == [False, True]
        assert receipts[0].seq == receipts[1].seq
    await pair.a.log.append(draft("one", cid="k"))
    with pytest.raises(Refusal, match="conflict"):
        await pair.b.log.append(draft("two", cid="k"))


async def test_the_rate_is_over_all_nodes(open_shared: OpenNode) -> None:
    """Of a user who writes through two nodes at once exactly as many as the limit are taken."""
    nodes = [await open_shared(publish=(LIMIT, 60)) for _ in range(2)]
    drafts = [(node, draft()) for node in nodes for _ in range(LIMIT)]
    answers = await asyncio.gather(
        *[node.log.append(said) for node, said in drafts], return_exceptions=True
    )
    taken = [answer for answer in answers if isinstance(answer, Receipt)]
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert sorted(receipt.seq for receipt in taken) == [1, 2, 3, 4, 5]
    assert {refusal.code for refusal in refused} == {"rate_limited"}


async def test_one_goes_on_without_the_other(pair: Pair) -> None:
    """When a node has closed, the other reads all, hears all and writes on."""
    await pair.b.log.follow("den")
    await talk(pair.a, "ann", 10)
    await pair.a.close()
    assert (await pair.b.log.append(draft())).seq == 11
    await pair.b.heard.hears(11)
    assert pair.b.heard.seqs() == list(range(1, 12))


async def seen(node: Node, count: int) -> PresenceView:
    """Return a node's view of the room as soon as it counts so many."""
    return await until(lambda: node.engine.presence.view("den", 9), lambda v: v.count == count)


async def test_a_user_on_two_nodes_counts_once(pair: Pair) -> None:
    """Both nodes count a user once who is on both, until the last connection has left."""
    for node in pair:
        await node.log.follow("den")
        node.engine.presence.enter("den", f"ann-{node.engine.node}", ANN)
    pair.a.engine.presence.enter("den", "bo", BO)
    for node in pair:
        assert (await seen(node, 2)).members == [ANN, BO]
        await node.heard.until(lambda heard: heard.members() == {"ann", "bo"})
    pair.a.engine.presence.leave("den", "ann-a")
    pair.a.engine.presence.leave("den", "bo")
    for node in pair:
        assert (await seen(node, 1)).members == [ANN]
        await node.heard.until(lambda heard: heard.members() == {"ann"})


async def test_a_node_takes_its_presences_with_it(pair: Pair) -> None:
    """Who was there by way of a node that has closed is gone for the other, and told so."""
    await pair.b.log.follow("den")
    pair.a.engine.presence.enter("den", "1", ANN)
    pair.b.engine.presence.enter("den", "2", BO)
    await pair.b.heard.until(lambda heard: heard.members() == {"ann", "bo"})
    await pair.a.close()
    assert (await seen(pair.b, 1)).members == [BO]
    await pair.b.heard.until(lambda heard: heard.members() == {"bo"})


def info(conn: str, node: Node, since: int) -> ConnectionInfo:
    return ConnectionInfo(
        conn=conn,
        user="ann",
        node=node.engine.node,
        address="192.0.2.0",
        since=since,
        rooms=["den"],
    )


async def finds(node: Node, expected: list[ConnectionInfo]) -> None:
    """Wait until a node finds these connections of the user in the room, and no others."""
    find = node.engine.connections.find
    await until(lambda: find(user="ann", room="den"), lambda found: found == expected)


async def test_connections_are_found_over_all_nodes(pair: Pair) -> None:
    """Each node finds the connections of both, oldest first, and none of a node that closed."""
    old, young = info("1", pair.a, 1_000), info("2", pair.b, 2_000)
    pair.b.engine.connections.register(young)
    pair.a.engine.connections.register(old)
    for node in pair:
        await finds(node, [old, young])
    await pair.a.close()
    await finds(pair.b, [young])


async def test_an_order_reaches_every_node(pair: Pair) -> None:
    """An order comes once to each node, whichever it was given to."""
    order, fence = Disconnect(close="kicked", conn="1"), Disconnect(close="kicked", user="fence")
    await pair.a.engine.connections.order(order)
    await pair.a.engine.connections.order(fence)
    for node in pair:
        await node.heard.until(lambda heard: fence in heard.orders)
        assert node.heard.orders == [order, fence]


async def test_a_revocation_reaches_every_node(pair: Pair, open_shared: OpenNode) -> None:
    """Both nodes are told within five seconds, and one that opens later before it is open."""
    given = [Revocation(at=int(time.time()), jti=f"t{number}") for number in range(3)]
    for revocation in given:
        await pair.a.engine.connections.revoke(revocation)
    async with asyncio.timeout(REVOKED_S):
        for node in pair:
            await node.heard.until(lambda heard: given[-1] in heard.orders)
    late = await open_shared(node="c")
    for node in (*pair, late):
        assert node.heard.orders == given


async def test_forged_revocations_are_skipped(pair: Pair, shared: Cluster) -> None:
    """What is no revocation in the stream harms nobody, and those around it are told."""
    forged = [
        "",
        "{}",
        "[" * 10_000,
        '{"type":"revoke","at":1}',
        '{"type":"revoke","at":1,"user":"a","jti":"b"}',
        '{"type":"revoke","at":-1,"user":"a"}',
        '{"type":"revoke","at":9223372036854775808,"user":"a"}',
        '{"type":"revoke","at":1,"user":"a b"}',
        '{"type":"disconnect","close":"kicked","user":"a"}',
        "\x00\x7f",
    ]
    master = await shared.master()
    for body in forged:
        await master.command("XADD", "hf:revoked", "*", "r", body)
    await master.command("XADD", "hf:revoked", "*", "other", "1")
    told = Revocation(at=int(time.time()), user="ann")
    await pair.a.engine.connections.revoke(told)
    for node in pair:
        await node.heard.until(lambda heard: told in heard.orders)
        assert node.heard.orders == [told]
        assert node.engine.statistics().garbled == len(forged) + 1


async def test_a_signal_reaches_the_nodes_that_follow(pair: Pair) -> None:
    """A signal comes once to the node it was sent from and to the other, if that one follows."""
    await pair.a.log.follow("den")
    await pair.a.log.follow("lounge")
    await pair.b.log.follow("den")
    pair.a.engine.signals.send("lounge", TYPING)
    pair.a.engine.signals.send("den", TYPING)
    assert pair.a.heard.signals == [("lounge", TYPING), ("den", TYPING)]
    await pair.b.heard.until(lambda heard: heard.signals == [("den", TYPING)])
    await pair.a.log.append(draft())
    for node, signals in zip(pair, (2, 1), strict=True):
        await node.heard.hears(1)
        assert len(node.heard.signals) == signals


async def test_the_cluster_names_all_nodes(pair: Pair) -> None:
    """Asked at one node, the description names both."""
    await until(pair.a.engine.cluster, lambda cluster: set(cluster["nodes"]) == {"a", "b"})
