"""Who may do what: each right that a user needs and each that would be one too many."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis import AuthenticationError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from deploy.local.cluster import Cluster
from deploy.local.node import Node
from deploy.local.ports import LOOPBACK

CHAT_MAY = [
    "EVALSHA 0 1 hf:{r}:log",
    "EVAL return 1 hf:{r}:log",
    "SCRIPT LOAD x",
    "XADD hf:{r}:log * a b",
    "XRANGE hf:{r}:log - +",
    "XREVRANGE hf:{r}:log + -",
    "XLEN hf:{r}:log",
    "XTRIM hf:revoked MINID = 0",
    "XINFO STREAM hf:{r}:log",
    "HSET hf:{r}:meta a b",
    "HGETALL hf:conn:n1",
    "ZADD hf:{r}:cids 1 a",
    "ZRANGEBYSCORE hf:{r}:cids 0 1",
    "SET hf:node:1 a PX 1000",
    "GET hf:node:1",
    "DEL hf:session:1",
    "PEXPIRE hf:session:1 5",
    "PUBLISH hf:{r} a",
    "SUBSCRIBE hf:{r}",
    "WAIT 2 100",
    "ROLE",
    "INFO",
    "PING",
    "TIME",
    "SELECT 0",
    "CLIENT SETNAME a",
    "CLIENT ID",
]
CHAT_MAY_NOT = [
    "CONFIG GET masterauth",
    "CONFIG SET appendonly no",
    "DEBUG SLEEP 1",
    "FLUSHALL",
    "FLUSHDB",
    "SHUTDOWN",
    "REPLICAOF NO ONE",
    "SLAVEOF NO ONE",
    "FAILOVER",
    "KEYS *",
    "SCAN 0",
    "MONITOR",
    "ACL LIST",
    "CLIENT KILL TYPE normal",
    "CLIENT PAUSE 1",
    "SCRIPT FLUSH",
    "FUNCTION FLUSH",
    "BGREWRITEAOF",
    "PSYNC ? -1",
    "MIGRATE h 1 k 0 1",
    "XREAD BLOCK 0 STREAMS hf:a 0",
    "BLPOP hf:a 0",
    "GET other",
    "SET other a",
    "PUBLISH other a",
    "PUBLISH __sentinel__:hello a",
    "SUBSCRIBE other",
    "PSUBSCRIBE *",
]
SENTINEL_MAY = [
    "SLAVEOF NO ONE",
    "CONFIG REWRITE",
    "CLIENT KILL TYPE normal",
    "SCRIPT KILL",
    "INFO",
]
SENTINEL_MAY_NOT = ["GET hf:a", "CONFIG GET masterauth", "FLUSHALL", "SHUTDOWN", "EVAL return 0"]
REPLICA_MAY = ["PSYNC ? -1", "REPLCONF ACK 1", "PING"]
REPLICA_MAY_NOT = ["GET hf:a", "SET hf:a b", "INFO", "CONFIG GET save", "REPLICAOF NO ONE"]
AT_SENTINEL_MAY = [
    "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster",
    "SENTINEL MASTER mymaster",
    "SENTINEL REPLICAS mymaster",
    "SENTINEL SENTINELS mymaster",
    "SENTINEL CKQUORUM mymaster",
    "SUBSCRIBE +switch-master",
    "PSUBSCRIBE *",
    "PING",
    "INFO",
    "ROLE",
]
AT_SENTINEL_MAY_NOT = [
    "SENTINEL FAILOVER mymaster",
    "SENTINEL RESET *",
    "SENTINEL SET mymaster quorum 1",
    "SENTINEL REMOVE mymaster",
    "SENTINEL MONITOR other 127.0.0.1 1 1",
    "SENTINEL CONFIG SET announce-ip x",
    "SENTINEL DEBUG info-period 1",
    "SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 1 1 *",
    "PUBLISH __sentinel__:hello a",
    "SHUTDOWN",
    "ACL LIST",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster() as cluster:
        yield cluster


async def allowed(node: Node, user: str, command: str) -> bool:
    """Ask the node, by ACL DRYRUN, whether a user may do this."""
    return bool(await node.command("ACL", "DRYRUN", user, *command.split()) == "OK")


@pytest.mark.parametrize(
    ("user", "may", "may_not"),
    [
        ("chat", CHAT_MAY, CHAT_MAY_NOT),
        ("sentinel", SENTINEL_MAY, SENTINEL_MAY_NOT),
        ("replica", REPLICA_MAY, REPLICA_MAY_NOT),
    ],
)
async def test_rights_at_redis(
    cluster: Cluster, user: str, may: list[str], may_not: list[str]
) -> None:
    """Each user may do at every node what its work needs, and none of the rest."""
    for node in cluster.nodes:
        assert [command for command in may if not await allowed(node, user, command)] == []
        assert [command for command in may_not if await allowed(node, user, command)] == []


async def test_rights_at_sentinel(cluster: Cluster) -> None:
    """The chat servers may ask a sentinel and listen to it, but neither order nor vote."""
    for sentinel in cluster.sentinels:
        for command in AT_SENTINEL_MAY:
            assert await allowed(sentinel, "chat", command), command
        for command in AT_SENTINEL_MAY_NOT:
            assert not await allowed(sentinel, "chat", command), command


async def test_logging_in_is_needed_and_works(cluster: Cluster) -> None:
    """At nodes and sentinels the password opens, a wrong one and none do not."""
    for node in (*cluster.nodes, *cluster.sentinels):
        await ping(node, username="chat", password=cluster.passwords.chat)
        with pytest.raises(AuthenticationError):
            await ping(node, username="chat", password="wrong")
        with pytest.raises(AuthenticationError):
            await ping(node)


async def test_without_passwords_everybody_comes_in() -> None:
    """A cluster without passwords serves whoever does not log in, and its nodes still follow."""
    async with Cluster(replicas=1, sentinels=3, password=False) as cluster:
        assert "@" not in cluster.url()
        for node in (*cluster.nodes, *cluster.sentinels):
            await ping(node)


async def ping(node: Node, username: str | None = None, password: str | None = None) -> None:
    redis = Redis(
        host=LOOPBACK,
        port=node.port,
        username=username,
        password=password,
        retry=Retry(NoBackoff(), 0),
    )
    async with redis:
        assert await redis.execute_command("PING")  # type: ignore[no-untyped-call]
