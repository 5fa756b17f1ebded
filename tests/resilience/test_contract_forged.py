"""Whatever stands in Redis or comes over its channels is skipped and counted; the rest goes on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chat.errors import Unavailable
from chat.frames import User
from deploy.local.cluster import Cluster
from deploy.local.redis_node import RedisNode
from resilience import channel
from tests.resilience.nodes import Node, OpenNode, opener
from tests.resilience.recorder import draft, texts, until
from tests.resilience.storages import empty

HOLD_S: Final = 2.0
EVENT: Final = {"type": "message", "room": "den", "seq": 2, "ts": 1, "user": "eve", "text": "x"}
FORGED: Final = [
    b"",
    b"nonsense",
    b"[" * 100_000,
    b"\xff\xfe",
    msgspec.json.encode(EVENT | {"seq": 3}),
    msgspec.json.encode(EVENT | {"room": "lounge"}),
    msgspec.json.encode(EVENT | {"type": "welcome"}),
    msgspec.json.encode(EVENT | {"text": 5}),
    msgspec.json.encode(EVENT).replace(b'"x"', b'"\xff"'),
    msgspec.json.encode(EVENT) + b"}",
]
SIGNALS: Final = [
    b"",
    b"\xff",
    b'{"type":"goaway","reason":"x","retry_ms":0,"deadline_ms":0}',
    b'{"type":"typing","room":"lounge","user":"ann","on":true,"ttl_ms":1}',
    b'{"type":"typing","room":"den","user":"\xff","on":true,"ttl_ms":1}',
]


@pytest.fixture
async def open_node(shared: Cluster) -> AsyncIterator[OpenNode]:
    """Opens nodes on a storage with nothing in it that hold for a short time."""
    await empty(shared)
    async with opener(shared.url(), hold_s=HOLD_S) as open_node:
        yield open_node


@pytest.fixture
async def node(open_node: OpenNode) -> Node:
    node = await open_node(node="a")
    await node.log.follow("den")
    return node


@pytest.fixture
async def redis(shared: Cluster) -> RedisNode:
    return await shared.master()


async def command(redis: RedisNode, *arguments: Any) -> Any:
    """Send a command with bytes in it as an operator would."""
    async with Redis(
        port=redis.port,
        username="admin",
        password=redis.plan.passwords.admin,
        retry=Retry(NoBackoff(), 0),
    ) as client:
        return await client.execute_command(*arguments)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("payload", FORGED, ids=range(len(FORGED)))
async def test_a_forged_record(node: Node, redis: RedisNode, payload: bytes) -> None:
    """In the log it is passed over by every read and follower; its neighbours are told."""
    await node.log.append(draft("one"))
    await command(redis, "XADD", "hf:{den}:log", "1-2", "e", payload)
    await command(redis, "HSET", "hf:{den}:meta", "head", "2")
    assert (await node.log.append(draft("three"))).seq == 3
    await node.heard.hears(3)
    assert node.heard.seqs() == [1, 3]
    page = await node.log.read("den", limit=10)
    assert texts(page.events) == ["one", "three"]
    assert node.engine.statistics().garbled >= 1


async def test_forged_news(node: Node, redis: RedisNode) -> None:
    """On the channel it is passed over: nobody is shown it, and what is committed still comes."""
    news: list[bytes] = [b"", b"nonsense", b"\xc1", b"\x93" * 50_000]
    news += [channel.encode(channel.Signal("b", payload)) for payload in SIGNALS]
    news += [channel.encode(channel.Committed("e", 1, [payload])) for payload in FORGED]
    news += [channel.encode(channel.Committed("", -5, [b""] * 100))]
    news += [channel.encode(channel.Attendance("b", [("a b", "x" * 100)], ["\n"]))]
    for payload in news:
        await command(redis, "PUBLISH", "hf:{den}", payload)
        await command(redis, "PUBLISH", "hf:control", payload)
    for text in ("one", "two"):
        await node.log.append(draft(text))
    await node.heard.hears(2)
    assert node.heard.seqs() == [1, 2]
    assert node.heard.signals == []
    assert node.heard.members() == set()
    assert node.engine.statistics().garbled >= len(SIGNALS) + 4


async def test_forged_members(node: Node, open_node: OpenNode, redis: RedisNode) -> None:
    """Members that nobody can be are left out of the count; the others stand in it."""
    other = await open_node(node="b")
    other.engine.presence.enter("den", "1", User("ann", "Ann"))
    await until(lambda: node.engine.presence.view("den", 9), lambda seen: seen.count == 1)
    for field, name in [(b"a b/b", b""), (b"\xff/b", b""), (b"x/b", b"\xff"), (b"y/b", b"n" * 99)]:
        await command(redis, "HSET", "hf:{den}:members", field, name)
    await until(counted(node, 4), bool)
    assert (await node.engine.presence.view("den", 9)).count == 1


async def test_forged_orders_and_connections(node: Node, redis: RedisNode) -> None:
    """Orders and connections that are none are passed over; those after them are carried out."""
    for body in (b"", b"{}", b"[" * 10_000, b'{"type":"disconnect"}', b"\xff"):
        await command(redis, "XADD", "hf:control", "*", "o", body)
        await command(redis, "HSET", "hf:conn:{b}", body, body)
    await command(redis, "ZADD", "hf:nodes", 2**45, "b")
    await command(redis, "PUBLISH", "hf:control", b"")
    await until(counted(node, 4), bool)
    await until(node.engine.cluster, lambda cluster: "b" in cluster["nodes"])
    assert await node.engine.connections.find() == []
    assert node.heard.orders == []


def counted(node: Node, at_least: int) -> Any:
    """Return a look at whether so many records were counted that are none."""

    async def look() -> bool:
        return node.engine.statistics().garbled >= at_least

    return look


async def assert_others_go_on(node: Node) -> None:
    """Other rooms are written, on every lane, and then the storage is up again."""
    rooms = [f"r{number}" for number in range(8)]
    said = [node.log.append(draft(room=room, user="bo")) for room in rooms]
    assert [receipt.seq for receipt in await asyncio.gather(*said)] == [1] * len(rooms)
    await node.heard.until(lambda heard: node.engine.storage.up)


@pytest.mark.parametrize("key", ["hf:{den}:log", "hf:{den}:meta", "hf:rate:{ann}"])
async def test_a_key_of_another_type(node: Node, redis: RedisNode, key: str) -> None:
    """One room's or user's keys broken by hand are unavailable; other rooms and users go on."""
    await command(redis, "SET" if "rate" not in key else "LPUSH", key, "x")
    with pytest.raises(Unavailable):
        await node.log.append(draft())
    await assert_others_go_on(node)


@pytest.mark.parametrize("head", ["x", "-5", "1e300", "nan", "9" * 400, ""])
async def test_a_forged_head(node: Node, redis: RedisNode, head: str) -> None:
    """Where a room's head is nonsense, it is answered or unavailable, and others go on."""
    await node.log.append(draft("one"))
    await command(redis, "HSET", "hf:{den}:meta", "head", head)
    for ask in (node.log.read("den", limit=5), node.log.append(draft("two"))):
        try:
            await ask
        except Unavailable:
            continue
    await assert_others_go_on(node)


async def test_a_forged_break(node: Node, redis: RedisNode) -> None:
    """The number of the last break may be anything: the node lives and appends."""
    for forged in (b"x", b"9" * 5_000, b"-1", b"\xb2"):
        await command(redis, "SET", "hf:break", forged)
        await asyncio.sleep(0.3)  # the beat that reads it comes every 0.25 s
        assert (await node.log.append(draft(user="bo"))).seq
    assert node.engine.storage.up


async def test_an_unreadable_room_holds_no_other_up(node: Node, redis: RedisNode) -> None:
    """While some rooms are read again and again in vain, another is followed and read at once."""
    attics = [f"attic-{number}" for number in range(30)]
    for attic in attics:
        await command(redis, "SET", f"hf:{{{attic}}}:log", "x")
    followed = [asyncio.create_task(node.log.follow(attic)) for attic in attics]
    seen = [asyncio.create_task(node.log.read(attic, limit=500)) for attic in attics]
    asked = ("PUBSUB", "NUMSUB", f"hf:{{{attics[-1]}}}")
    await until(lambda: command(redis, *asked), lambda hearing: hearing[1] == 1)
    async with asyncio.timeout(HOLD_S / 2):
        assert (await node.log.follow("lounge")).seq == 0
        assert (await node.log.read("lounge", limit=500)).events == []
    ends = await asyncio.gather(*followed, *seen, return_exceptions=True)
    assert all(isinstance(end, Unavailable) for end in ends)


async def test_an_unreadable_head_hides_no_other(node: Node, redis: RedisNode) -> None:
    """A message of which there was no news is found, though another room can't be compared."""
    await node.log.follow("lounge")
    await command(redis, "SET", "hf:{den}:meta", "x")
    payload = msgspec.json.encode(EVENT | {"room": "lounge", "seq": 1})
    await command(redis, "XADD", "hf:{lounge}:log", "1-1", "e", payload)
    await command(redis, "HSET", "hf:{lounge}:meta", "head", "1")
    await node.heard.hears(1, "lounge")
