"""A cluster of real processes: it fails over, comes back, keeps its data, and is not alone."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlsplit

import pytest
from redis import BusyLoadingError, ResponseError
from redis.asyncio.sentinel import Sentinel

from deploy.local.cluster import Cluster
from deploy.local.redis_node import RedisNode
from deploy.local.waiting import until

# Seconds. A kill with down-after 1500 shows a master after 1.9; the rest is for a busy machine.
FAILOVER = 8.0
# Seconds. Sentinel lets a former master be for 8, and looks again at its next INFO, every 10.
REPENTANCE = 25.0
LOADED = 1_000  # keys, which take half a second then
SLOW_LOADING = "key-load-delay 500\nloading-process-events-interval-bytes 1024\n"


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster() as cluster:
        yield cluster


async def write(node: RedisNode, value: str) -> None:
    await node.command("SET", "hf:test", value)
    assert await node.command("WAIT", 2, 2000, deadline=3) == 2


async def read(node: RedisNode) -> str | None:
    value: str | None = await node.command("GET", "hf:test")
    return value


async def test_a_started_cluster_is_whole(cluster: Cluster) -> None:
    """One master, two replicas that have what it has, three sentinels that know of each other."""
    roles = await cluster.roles()
    assert roles == {"redis-1": "master", "redis-2": "slave", "redis-3": "slave"}
    await write(cluster.nodes[0], "a")
    assert [await read(node) for node in cluster.nodes] == ["a"] * 3
    for sentinel in cluster.sentinels:
        view = await sentinel.master()
        assert (view["num-slaves"], view["num-other-sentinels"]) == ("2", "2")
        assert (await sentinel.command("SENTINEL", "CKQUORUM", "mymaster")).startswith("OK")


async def test_the_url_leads_a_client_to_the_master(cluster: Cluster) -> None:
    """With nothing but the URL a client logs in at the sentinels and finds the master."""
    url = urlsplit(cluster.url())
    assert (url.scheme, url.path) == ("redis+sentinel", "/mymaster/0")
    login = {"username": url.username, "password": url.password}
    hosts = url.netloc.rpartition("@")[2].split(",")
    places = [(host, int(port)) for host, port in (place.split(":") for place in hosts)]
    for place in places:
        sentinel = Sentinel([place], sentinel_kwargs=login)  # type: ignore[no-untyped-call]
        found = await sentinel.discover_master("mymaster")
        assert found == ("127.0.0.1", cluster.nodes[0].port)
        await sentinel.sentinels[0].aclose()


async def test_a_killed_master_is_replaced(cluster: Cluster) -> None:
    """After a kill another node is master and has the data; restarted, the old one follows it."""
    old = await cluster.master()
    await write(old, "before")
    await cluster.kill(old)
    new = await cluster.wait_for_new_master(old, FAILOVER)
    assert await read(new) == "before"
    assert (await cluster.roles())[old.name] == "unreachable"
    await cluster.wait_until_healthy()
    assert await cluster.master() is new
    await cluster.restart(old)
    await cluster.wait_until_replicating(REPENTANCE)
    assert (await cluster.roles())[old.name] == "slave"
    assert old in await cluster.replicas()
    await write(new, "after")
    assert await read(old) == "after"


async def test_who_is_still_loading_is_not_healthy() -> None:
    """A Redis that loads its disk is waited for: it answers ROLE and INFO, and refuses the rest."""
    async with Cluster(replicas=0, sentinels=0) as cluster:
        node = cluster.nodes[0]
        await node.command("DEBUG", "POPULATE", LOADED)
        await node.command("BGREWRITEAOF")
        await until(partial(rewritten, node), FAILOVER, "the disk has all of it")
        with (node.directory / "redis.conf").open("a") as settings:
            settings.write(SLOW_LOADING)
        await cluster.restart(node)
        with pytest.raises(BusyLoadingError):
            await node.command("DBSIZE")
        await cluster.wait_until_healthy()
        assert await node.command("DBSIZE") == LOADED


async def rewritten(node: RedisNode) -> bool:
    state = await node.command("INFO", "persistence")
    return "aof_rewrite_in_progress:0" in state and "aof_rewrite_scheduled:0" in state


async def test_a_hanging_master_is_replaced_and_comes_back(cluster: Cluster) -> None:
    """A frozen master is replaced; thawed it believes in itself for a while, then it follows."""
    old = await cluster.master()
    cluster.hang(old)
    new = await cluster.wait_for_new_master(old, FAILOVER)
    cluster.resume(old)
    assert await old.role() == "master"
    await cluster.wait_until_replicating(REPENTANCE)
    assert (await cluster.roles())[old.name] == "slave"
    assert await cluster.master() is new


async def test_a_planned_failover_moves_the_master(cluster: Cluster) -> None:
    """An ordered failover makes another node master, with all three alive and the data in place."""
    old = await cluster.master()
    await write(old, "kept")
    await cluster.failover()
    new = await cluster.wait_for_new_master(old, FAILOVER)
    await cluster.wait_until_replicating(REPENTANCE)
    assert (await cluster.roles())[old.name] == "slave"
    assert [await read(node) for node in cluster.nodes] == ["kept"] * 3
    assert await cluster.master() is new


async def test_a_failover_without_candidates_is_refused(cluster: Cluster) -> None:
    """With both replicas dead for longer than down-after an ordered failover is refused aloud."""
    master, *replicas = cluster.nodes
    for replica in replicas:
        await cluster.kill(replica)
    await cluster.wait_until_healthy()
    with pytest.raises(ResponseError, match="NOGOODSLAVE"):
        await cluster.failover()
    assert await cluster.master() is master


async def test_a_restart_keeps_the_disk_unless_told_otherwise() -> None:
    """A node that is killed and restarted has its data; one restarted empty has none."""
    async with Cluster(replicas=0, sentinels=0) as cluster:
        node = await cluster.master()
        assert cluster.url().startswith("redis://chat:")
        await node.command("SET", "hf:test", "a")
        await cluster.restart(node)
        assert await read(node) == "a"
        await cluster.restart(node, empty=True)
        assert await read(node) is None


async def test_a_restarted_sentinel_remembers(cluster: Cluster) -> None:
    """A sentinel that slept through a failover comes back with its identity and learns of it."""
    sleeper = cluster.sentinels[0]
    await cluster.kill(sleeper)
    old = await cluster.master()
    await cluster.kill(old)
    new = await cluster.wait_for_new_master(old, FAILOVER)
    await cluster.restart(sleeper)
    await cluster.wait_until_healthy()
    assert int((await sleeper.master())["port"]) == new.port
    assert await sleeper.command("SENTINEL", "MYID") == sleeper.identity


async def test_two_clusters_do_not_meet() -> None:
    """Two clusters that start at once keep to their own nodes, when one of them fails over, too."""
    async with asyncio.TaskGroup() as group:
        one, other = Cluster(), Cluster()
        starts = [group.create_task(cluster.__aenter__()) for cluster in (one, other)]
    assert all(start.done() for start in starts)
    try:
        await one.nodes[0].command("SET", "hf:test", "one")
        assert await read(other.nodes[0]) is None
        await one.kill(one.nodes[0])
        await one.wait_for_new_master(one.nodes[0], FAILOVER)
        await other.wait_until_healthy(0)
        assert await other.master() is other.nodes[0]
    finally:
        for cluster in (one, other):
            await cluster.__aexit__(None, None, None)


async def test_a_script_survives_a_restart_of_all(cluster: Cluster) -> None:
    """What a script wrote is there after every Redis was killed and came back with its disk.

    Single commands survive where scripts do not: Redis replays a script's transaction with the
    rights of the default user.
    """
    script = "redis.call('HSET', KEYS[1], 'a', 1) redis.call('HSET', KEYS[1], 'b', 2)"
    await cluster.nodes[0].command("EVAL", script, 1, "hf:script")
    assert await cluster.nodes[0].command("WAIT", 2, 2000, deadline=3) == 2
    for node in cluster.nodes:
        await cluster.kill(node)
    for node in cluster.nodes:
        await cluster.restart(node)
    for node in cluster.nodes:
        assert await node.command("HLEN", "hf:script") == 2, node.name
