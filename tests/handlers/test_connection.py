"""What a connection's commands do, over a real socket."""

import asyncio
from typing import Any

import pytest

from chat.claims import Claims
from chat.errors import Unavailable
from deploy.local.cluster import Cluster
from tests.chatting import Client, serving, token
from tests.conftest import Connect, Serve


async def test_hello_then_welcome_with_limits(connect: Connect) -> None:
    """A connection is greeted first; welcome carries the limits that hold."""
    client = await connect(None)
    hello = await client.receive()
    assert (hello["type"], hello["v"], hello["auth_timeout_s"]) == ("hello", 1, 10)
    welcome = await client.sign_in("ann")
    assert welcome["user"] == {"id": "ann", "name": "Ann"}
    assert welcome["limits"]["publish"] == [100_000, 60]
    assert "degraded" not in welcome


async def test_nothing_before_welcome(connect: Connect) -> None:
    """Before auth every command but ping is unauthorized, with its id."""
    client = await connect(None)
    reply = await client.ask({"type": "join", "room": "general"})
    assert (reply["type"], reply["code"]) == ("error", "unauthorized")
    assert (await client.ask({"type": "ping"}))["type"] == "pong"


async def test_a_start_without_storage_is_told() -> None:
    """Who comes to a node that has not found its Redis yet is told so, and when it is there."""
    async with Cluster(replicas=0, sentinels=0) as cluster:
        redis = await cluster.master()
        await cluster.kill(redis)
        async with serving(REDIS_URL=cluster.url()) as served, served.client() as client:
            assert (await client.sign_in("ann"))["degraded"] is True
            await redis.start()
            assert (await client.until("notice"))["code"] == "recovered"


async def test_bad_token_is_said_and_closes(connect: Connect) -> None:
    """A bad token is an error frame and then 4101."""
    client = await connect(None)
    reply = await client.ask({"type": "auth", "token": "x.y.z"})
    assert reply["code"] == "token_invalid"
    assert (await client.closing()).code == 4101


async def test_a_token_that_can_not_be_looked_at(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be good: its client is told when to come back, by the frame and the close alike."""
    served = await serve()

    async def verify(_: str) -> Claims:
        raise Unavailable("no keys yet")

    monkeypatch.setattr(served.node.tokens, "verify", verify)
    async with served.client() as client:
        reply = await client.ask({"type": "auth", "token": token("ann")})
        assert reply["code"] == "unavailable"
        closed = await client.closing()
        retry_ms = reply["retry_ms"]
        assert (closed.code, closed.reason) == (4201, f"overloaded retry={retry_ms}")


async def test_malformed_auth_closes(connect: Connect) -> None:
    """An auth that is none is said and closes with 4101, and nothing behind it is carried out."""
    client = await connect(None)
    join = {"type": "join", "id": 2, "room": "general"}
    await client.send({"type": "auth", "id": 1, "token": "x" * 8193}, join)
    assert (await client.closing()).code == 4101
    errors = [(f["id"], f["code"], f["field"]) for f in client.seen if f["type"] == "error"]
    assert errors == [(1, "bad_request", "token")]


async def test_message_reaches_everyone_in_order(connect: Connect) -> None:
    """What one says all in the room are shown, the author too, with the seqs of the acks."""
    ann, bo = await connect("ann"), await connect("bo")
    await ann.join()
    await bo.join()
    acks = [await ann.publish(f"n{i}", cid=f"c{i}") for i in range(5)]
    assert [ack["ref"] for ack in acks] == [1, 2, 3, 4, 5]
    for client in (ann, bo):
        while sum(f["type"] == "message" for f in client.seen) < 5:
            await client.receive()
        shown = [(f["seq"], f["text"], f["user"]) for f in client.seen if f["type"] == "message"]
        assert shown == [(i + 1, f"n{i}", "ann") for i in range(5)]


async def test_retry_is_the_first_self(connect: Connect) -> None:
    """The same cid returns the first ref with dup over any connection; other content conflicts."""
    ann = await connect("ann")
    first = await ann.publish("hi", cid="k")
    again = await (await connect("ann")).publish("hi", cid="k")
    assert (again["ref"], again["dup"], "dup" in first) == (first["ref"], True, False)
    assert (await ann.publish("other", cid="k"))["code"] == "conflict"
    assert (await (await connect("bo")).publish("hi", cid="k"))["ref"] == 2


async def test_publish_needs_w_and_no_join(serve: Serve, connect: Connect) -> None:
    """Permission decides, not presence: w without joining publishes, r alone does not."""
    served = await serve()
    writer = await connect(None, to=served)
    await writer.sign_in("ann", {"news": "w", "talk": "r"})
    assert (await writer.publish("x", room="news"))["ref"] == 1
    assert (await writer.publish("x", room="talk"))["code"] == "forbidden"
    assert (await writer.join("news"))["code"] == "forbidden"
    assert (await writer.join("talk"))["perm"] == "r"
    assert (await writer.join("nowhere"))["code"] == "forbidden"


@pytest.mark.parametrize(
    ("frame", "code", "field"),
    [
        ({"type": "publish", "room": "general"}, "bad_request", "text"),
        ({"type": "publish", "room": "general", "text": " \n "}, "bad_request", "text"),
        ({"type": "publish", "room": "general", "text": "x" * 4001}, "too_large", "text"),
        ({"type": "publish", "room": "general", "data": "x" * 4097}, "too_large", "data"),
        ({"type": "publish", "room": "gen eral", "text": "x"}, "bad_request", "room"),
        ({"type": "publish", "room": "general", "text": "x", "cid": "a b"}, "bad_request", "cid"),
        ({"type": "publish", "text": "x"}, "bad_request", "room"),
        ({"type": "join", "room": "general", "history": 101}, "bad_request", "history"),
        ({"type": "join", "room": "general", "since": -1}, "bad_request", "since"),
        ({"type": "typing", "room": "general", "on": True}, "not_joined", None),
        ({"type": "edit", "room": "general"}, "unknown_type", "type"),
        ({"type": 5}, "bad_request", "type"),
        ({}, "bad_request", "type"),
    ],
)
async def test_bad_frames(
    connect: Connect, frame: dict[str, Any], code: str, field: str | None
) -> None:
    """A frame that is not right is answered with its code and field, and the connection lives."""
    client = await connect()
    reply = await client.ask(frame)
    assert (reply["type"], reply["code"], reply.get("field")) == ("error", code, field)
    assert (await client.ask({"type": "ping"}))["type"] == "pong"


async def test_array_is_carried_out_in_order(connect: Connect) -> None:
    """An array is its frames in order; a bad one among them harms no other."""
    client = await connect()
    await client.join()
    publish = {"type": "publish", "room": "general"}
    await client.send({**publish, "text": "a"}, {"type": "?", "id": 7}, {**publish, "text": "b"})
    assert (await client.until("error"))["id"] == 7
    await client.until("message", seq=2)
    texts = [f["text"] for f in client.seen if f["type"] == "message"]
    assert texts == ["a", "b"]


async def test_batch_is_for_those_who_asked(connect: Connect) -> None:
    """Arrays are sent to a client that said so, and to nobody else."""
    one, many = await connect("ann"), await connect(None)
    await many.sign_in("bo", batch=True)
    for client in (one, many):
        await client.join()
    await one.send(*({"type": "publish", "room": "general", "text": f"{i}"} for i in range(10)))
    single = await one.socket.receive(5)
    assert single.data.startswith("{")
    array = await many.socket.receive(5)
    assert array.data.startswith("[{")


async def test_ten_malformed_frames_close(connect: Connect) -> None:
    """The tenth malformed frame in a minute closes with 4000."""
    client = await connect()
    for _ in range(10):
        await client.socket.send_str("{")
    assert (await client.closing()).code == 4000
    assert sum(f.get("code") == "bad_request" for f in client.seen) == 10


async def test_rate_limit_is_exact_and_says_when(serve: Serve, connect: Connect) -> None:
    """Of parallel publishes of one user over two connections exactly the limit is acked."""
    served = await serve(RATE_LIMIT_MESSAGES_PER_MINUTE=30)
    clients = [await connect("ann", to=served) for _ in range(2)]
    publish = {"type": "publish", "room": "general", "text": "x"}
    for client in clients:
        await client.send(*[publish] * 25)
    replies = [await c.receive() for c in clients for _ in range(25)]
    refused = [f for f in replies if f["type"] == "error"]
    assert len(refused) == 20
    assert {f["code"] for f in refused} == {"rate_limited"}
    assert all(0 < f["retry_ms"] <= 60_001 for f in refused)


async def test_typing_and_its_pace(connect: Connect) -> None:
    """Typing reaches the room, stored nowhere; one too soon is refused only to who asked."""
    ann, bo = await connect("ann"), await connect("bo")
    await ann.join()
    await bo.join()
    typing = {"type": "typing", "room": "general", "on": True}
    assert (await ann.ask(typing))["type"] == "ack"
    assert (await bo.until("typing"))["user"] == "ann"
    assert (await ann.ask(typing))["code"] == "rate_limited"
    assert (await bo.join(since=0))["events"] == []


async def test_presence_counts_users_not_connections(connect: Connect) -> None:
    """Two connections of one user are one; who asked is told of comers and goers."""
    ann = await connect("ann")
    assert (await ann.join(presence=True))["presence"]["count"] == 1
    first, second = await connect("bo"), await connect("bo")
    await first.join()
    await second.join()
    assert (await ann.until("presence", count=2))["join"] == [
        {"id": "ann", "name": "Ann"},
        {"id": "bo", "name": "Bo"},
    ]
    await first.socket.close()
    await second.ask({"type": "leave", "room": "general"})
    assert (await ann.until("presence", count=1))["leave"] == ["bo"]


async def test_the_oldest_connection_gives_way(serve: Serve, connect: Connect) -> None:
    """The connection after a user's last closes the user's first with 4005."""
    served = await serve(WEBSOCKET_MAX_CONNECTIONS_PER_USER=2)
    first, second, third = [await connect("ann", to=served) for _ in range(3)]
    assert (await first.closing()).code == 4005
    for client in (second, third):
        assert (await client.ask({"type": "ping"}))["type"] == "pong"


async def test_refresh_keeps_the_user(connect: Connect) -> None:
    """A refresh is acked with the new expiry; another user's token is refused."""
    client = await connect("ann")
    reply = await client.ask({"type": "auth", "token": token("ann", lifetime_s=60)})
    assert (reply["type"], "exp" in reply) == ("ack", True)
    assert (await client.ask({"type": "auth", "token": token("bo")}))["code"] == "user_mismatch"
    assert (await client.publish("still here"))["type"] == "ack"


async def test_refresh_that_takes_a_room_away(connect: Connect) -> None:
    """A new token without a room puts the connection out of it, and says so."""
    client = await connect("ann")
    await client.join("a")
    await client.join("b")
    await client.send({"type": "auth", "token": token("ann", {"a": "r"})})
    assert (await client.until("left"))["room"] == "b"


async def test_too_many_rooms(connect: Connect) -> None:
    """The fifty-first room of a connection is limit_exceeded."""
    client = await connect()
    for i in range(50):
        assert (await client.join(f"r{i}"))["type"] == "joined"
    assert (await client.join("r50"))["code"] == "limit_exceeded"
    await client.ask({"type": "leave", "room": "r0"})
    assert (await client.join("r50"))["type"] == "joined"


async def test_flood_of_frames_is_closed(connect: Connect) -> None:
    """Who goes on after rate_limited is closed with 4200, others notice nothing."""
    flooder, other = await connect("ann"), await connect("bo")

    async def flood() -> None:
        for _ in range(10):
            await flooder.send(*[{"type": "ping"}] * 64)

    closed, _ = await asyncio.gather(flooder.closing(), flood())
    assert closed.code == 4200
    assert (await other.publish("x"))["type"] == "ack"


async def test_flood_of_silent_signals_is_closed(connect: Connect) -> None:
    """Signals that nobody answers are a flood too: 120 are nothing, then it ends with 4200."""
    client = await connect()
    await client.join()
    typing = {"type": "typing", "room": "general", "on": True}
    for _ in range(2):
        await client.send(*[typing] * 50)
    assert (await client.ask({"type": "ping"}))["type"] == "pong"
    for _ in range(2):
        await client.send(*[typing] * 50)
    assert (await client.closing()).code == 4200
    assert not [frame for frame in client.seen if frame["type"] == "error"]


@pytest.mark.parametrize(
    ("publish", "answer"),
    [
        ({"room": "talk", "text": "x"}, "forbidden"),
        ({"room": "mine", "text": "\u200b"}, "bad_request"),
        ({"room": "mine", "text": "x", "cid": "k"}, "ack"),
        ({"room": "mine", "text": "y", "cid": "k"}, "conflict"),
    ],
)
async def test_publishes_in_vain_are_a_flood(
    connect: Connect, publish: dict[str, Any], answer: str
) -> None:
    """What the log does not count, refused before it or repeated, closes with 4200 in the end."""
    flooder = await connect(None)
    await flooder.sign_in("ann", {"talk": "r", "mine": "rw"})
    await flooder.publish("x", room="mine", cid="k")
    for _ in range(4):
        await flooder.send(*[{"type": "publish", **publish}] * 60)
    assert (await flooder.closing()).code == 4200
    replies = [frame.get("code", frame["type"]) for frame in flooder.seen]
    assert answer in replies
    assert 180 <= len(replies) <= 200


async def test_rooms_in_one_array(connect: Connect) -> None:
    """Joins that come at once are counted one by one: the fifty-first is limit_exceeded."""
    client = await connect()
    await client.send(*[{"type": "join", "id": i, "room": f"r{i}"} for i in range(64)])
    while sum("id" in frame for frame in client.seen) < 65:  # and `welcome` has one
        await client.receive()
    replies = [frame.get("code", frame["type"]) for frame in client.seen if "id" in frame]
    assert (replies.count("joined"), replies.count("limit_exceeded")) == (50, 14)


async def test_typing_behind_its_join(connect: Connect) -> None:
    """A signal that comes together with its join is carried out after it."""
    client = await connect()
    typing = {"type": "typing", "id": 2, "room": "general", "on": True}
    await client.send({"type": "join", "id": 1, "room": "general"}, typing)
    await client.until("joined", id=1)
    await client.until("ack", id=2)


async def test_typing_behind_a_join_that_fails(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal whose join failed is not_joined, and nobody is told of it."""
    served = await serve()
    client = await connect(to=served)
    failing: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def follow(_: str) -> Any:
        return await failing

    monkeypatch.setattr(served.node.engine.log, "follow", follow)
    typing = {"type": "typing", "id": 2, "room": "general", "on": True}
    await client.send({"type": "join", "id": 1, "room": "general"}, typing)
    assert (await client.ask({"type": "ping"}))["type"] == "pong"
    failing.set_exception(Unavailable())
    await client.until("error", id=1, code="unavailable")
    await client.until("error", id=2, code="not_joined")


async def gap(client: Client, since: int) -> dict[str, Any]:
    return await client.join(since=since)


async def test_outcomes_of_a_join(serve: Serve, connect: Connect) -> None:
    """Every row of the table: last ones, nothing, the missed, trimmed, too far, epoch, ahead."""
    served = await serve(ROOM_HISTORY=1200)
    ann = await connect("ann", to=served)
    publish = {"type": "publish", "room": "general", "text": "x"}
    for _ in range(25):
        await ann.send(*[publish] * 60)
        for _ in range(60):
            await ann.until("ack")
    joined = await ann.join(history=3)
    assert [e["seq"] for e in joined["events"]] == [1498, 1499, 1500]
    assert (joined["tail"], joined["head"]) == (301, 1500)
    epoch = joined["epoch"]
    assert (await ann.join(since=1500, epoch=epoch))["events"] == []
    missed = await ann.join(since=1490, epoch=epoch)
    assert [e["seq"] for e in missed["events"]] == list(range(1491, 1501))
    assert "reset" not in missed
    for since, its_epoch, reset in [
        (299, epoch, "trimmed"),
        (499, epoch, "too_far"),
        (1490, "gone", "epoch"),
        (1501, epoch, "ahead"),
    ]:
        reply = await ann.join(since=since, epoch=its_epoch)
        assert reply["reset"] == reset
        assert [e["seq"] for e in reply["events"]] == list(range(1451, 1501))


async def test_long_catch_up_comes_in_pages(connect: Connect) -> None:
    """A thousand missed events come as joined and further pages, whole and in order."""
    ann = await connect("ann")
    publish = {"type": "publish", "room": "general", "text": "x"}
    for _ in range(20):
        await ann.send(*[publish] * 50)
        for _ in range(50):
            await ann.until("ack")
    joined = await ann.join(since=0)
    seqs = [e["seq"] for e in joined["events"]]
    while joined.get("more"):
        joined = await ann.until("events")
        seqs += [e["seq"] for e in joined["events"]]
    assert seqs == list(range(1, 1001))


async def test_flood_of_unknown_types_is_closed(connect: Connect) -> None:
    """Frames of unknown types count like others: a flood of them ends with 4200."""
    client = await connect()
    unknown = [{"type": "signal"}] * 60
    for _ in range(4):
        await client.send(*unknown)
    assert (await client.closing()).code == 4200


async def say_more_than_a_page(client: Client) -> None:
    """Say 150 messages."""
    publish = {"type": "publish", "room": "general", "text": "x"}
    for _ in range(3):
        await client.send(*[publish] * 50)
        for _ in range(50):
            await client.until("ack")


async def test_catch_up_that_breaks_off(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that fails after the first page closes with 4301: the join has its one reply."""
    served = await serve()
    client = await connect(to=served)
    await say_more_than_a_page(client)
    log = served.node.engine.log
    read = log.read

    async def once(room: str, **more: Any) -> Any:
        if more.get("after"):
            raise Unavailable
        return await read(room, **more)

    monkeypatch.setattr(log, "read", once)
    joined = await client.join(since=0)
    assert (joined["type"], joined["more"]) == ("joined", True)
    assert (await client.closing()).code == 4301


async def test_an_answered_join_takes_its_time(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pages behind the first may take longer than anybody waits for an answer."""
    served = await serve(PUBLISH_HOLD_SECONDS=0.3)
    client = await connect(to=served)
    await say_more_than_a_page(client)
    log = served.node.engine.log
    read = log.read

    async def late(room: str, **more: Any) -> Any:
        if more.get("after"):
            await asyncio.sleep(0.5)
        return await read(room, **more)

    monkeypatch.setattr(log, "read", late)
    joined = await client.join(since=0)
    page = await client.until("events")
    assert len(joined["events"]) + len(page["events"]) == 150
    assert (await client.publish("more"))["ref"] == 151
    assert (await client.until("message"))["seq"] == 151
