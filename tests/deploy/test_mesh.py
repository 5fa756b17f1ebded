"""Partitions of plain processes: exactly the named ways are cut, both of a pair, and they heal."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from redis import ResponseError

from deploy.local.chat_node import ChatNode
from deploy.local.cluster import Cluster
from deploy.local.mesh import OUTSIDE
from deploy.local.ports import LOOPBACK
from deploy.local.redis_node import RedisNode
from deploy.local.waiting import together, until

PROBE = (sys.executable, str(Path(__file__).with_name("probe.py")))
FAILOVER = 8.0  # seconds
REPENTANCE = 25.0  # seconds, see test_cluster.py
FENCED = 6.0  # seconds: min-replicas-max-lag, and a second until the lag is counted

Matrix = dict[tuple[str, str], str]


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """A cluster with edges, and two probes in the place of chat servers."""
    async with Cluster(mesh=True) as cluster:
        await together(*(cluster.chat(command=PROBE).start() for _ in range(2)))
        yield cluster


async def ask(chat: ChatNode, port: int) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{chat.url}/ask/{port}") as answer:
        return await answer.text()


async def look(cluster: Cluster) -> Matrix:
    """Let every probe ask everybody."""
    ways = [(c, node) for c in cluster.chats for node in (*cluster.nodes, *cluster.sentinels)]
    answers = await asyncio.gather(*(ask(chat, node.announced) for chat, node in ways))
    return {(c.name, node.name): text for (c, node), text in zip(ways, answers, strict=True)}


def but_for(matrix: Matrix, answer: str = "answer") -> Matrix:
    """Return the ways on which something else was met."""
    return {way: met for way, met in matrix.items() if met != answer}


async def test_every_connection_goes_by_its_own_edge(cluster: Cluster) -> None:
    """Redis, Sentinel, a program that knows nothing of it, and the test are told apart."""
    mesh = cluster.mesh
    assert mesh.edge("redis-2", "redis-1").opened >= 1
    assert mesh.edge("redis-1", "redis-2").opened == 0
    for sentinel in cluster.sentinels:
        others = {*cluster.nodes, *cluster.sentinels} - {sentinel}
        assert all(mesh.edge(sentinel.name, other.name).opened for other in others)
    assert not any(edge.opened for edge in mesh.edges if edge.caller.startswith("chat"))
    assert await ask(cluster.chats[1], cluster.nodes[2].announced) == "answer"
    used = [edge for edge in mesh.edges if edge.caller.startswith("chat")]
    assert [(e.caller, e.target, e.opened) for e in used] == [("chat-2", "redis-3", 1)]
    _, writer = await asyncio.open_connection(LOOPBACK, cluster.sentinels[0].announced)

    async def came_from_outside() -> bool:
        return mesh.edge(OUTSIDE, "sentinel-1").opened == 1

    await until(came_from_outside, 5, "the test is outside")
    writer.close()
    await writer.wait_closed()


async def test_one_directed_way_can_be_cut(cluster: Cluster) -> None:
    """With one edge stalled one caller meets silence at one target; everything else is whole."""
    edge = cluster.mesh.edge("chat-1", "redis-1")
    edge.stall()
    assert but_for(await look(cluster)) == {("chat-1", "redis-1"): "silence"}
    edge.heal()
    edge.refuse()
    assert but_for(await look(cluster)) == {("chat-1", "redis-1"): "reset"}
    cluster.mesh.heal()
    assert but_for(await look(cluster)) == {}
    assert await cluster.master() is cluster.nodes[0]


async def test_a_dead_node_refuses_and_comes_back_by_the_same_name(cluster: Cluster) -> None:
    """Killed, a node refuses at its door as any dead process does; restarted, it is known again."""
    node, chat = cluster.nodes[2], cluster.chats[0]
    await cluster.kill(node)
    assert await ask(chat, node.announced) == "refused"
    before = cluster.mesh.edge("redis-3", "redis-1").opened
    await cluster.restart(node)
    assert await ask(chat, node.announced) == "answer"
    await cluster.wait_until_replicating(FAILOVER)
    assert cluster.mesh.edge("redis-3", "redis-1").opened > before
    await cluster.restart(chat)
    cluster.mesh.edge("chat-1", "redis-3").stall()
    assert but_for(await look(cluster)) == {("chat-1", "redis-3"): "silence"}


async def test_a_partition_cuts_the_master_and_one_server_off(cluster: Cluster) -> None:
    """{redis-1, chat-1} against all others: each side is whole, nothing crosses, it all heals."""
    mesh, old = cluster.mesh, cluster.nodes[0]
    inside = {"redis-1", "chat-1"}
    rest = {node.name for node in cluster.everybody} - inside
    cut = mesh.split(inside, rest)
    assert len(cut) == 2 * len(inside) * len(rest)
    new = await cluster.wait_for_new_master(old, FAILOVER)
    assert new.name in rest
    assert await old.role() == "master"
    matrix = await look(cluster)
    assert but_for(matrix) == {
        way: "silence" for way in matrix if (way[0] in inside) != (way[1] in inside)
    }
    await assert_fenced(old)
    assert all(edge.forward.stalled == (edge in cut) == edge.back.stalled for edge in mesh.edges)
    for proof in (mesh.edge("redis-2", "redis-1"), mesh.edge("sentinel-1", "redis-1")):
        assert proof.forward.withheld > 0
    mesh.heal()
    await cluster.wait_until_replicating(REPENTANCE)
    assert await old.role() == "slave"
    assert await cluster.master() is new
    assert but_for(await look(cluster)) == {}


async def test_an_isolated_replica_misses_writes_and_catches_up(cluster: Cluster) -> None:
    """Cut off from everybody a replica gets nothing and is no danger; healed it has everything."""
    master, _, lost = cluster.nodes
    cluster.mesh.isolate(lost.name, (node.name for node in cluster.everybody))
    await master.command("SET", "hf:test", "a")
    assert await master.command("WAIT", 2, 300) == 1
    assert await lost.command("GET", "hf:test") is None
    cluster.mesh.heal()
    assert await master.command("WAIT", 2, 10_000, deadline=11) == 2
    assert await lost.command("GET", "hf:test") == "a"
    assert await cluster.master() is master


async def assert_fenced(node: RedisNode) -> None:
    """Wait until a master that no replica answers refuses to write."""

    async def refuses() -> bool:
        try:
            await node.command("SET", "hf:test", "lost")
        except ResponseError as error:
            return str(error).startswith("NOREPLICAS")
        return False

    await until(refuses, FENCED, f"{node.name} refuses writes")
