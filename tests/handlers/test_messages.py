"""Messages by REST: the same log, bytes, rules and idempotency as by WebSocket."""

import asyncio
from typing import Any

import pytest

from chat.errors import Unavailable
from chat.log import Draft, Receipt
from tests.conftest import Connect
from tests.handlers.conftest import Rest, Start

ROOM = "/v1/rooms/general/messages"


class Stalled:
    """A log whose appends are never decided; everything else is the real one's."""

    def __init__(self, log: Any) -> None:
        self._log = log

    def append(self, _: Draft) -> asyncio.Future[Receipt]:
        return asyncio.get_running_loop().create_future()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


async def test_post_answers_the_bytes_that_listeners_get(rest: Rest) -> None:
    """A 201 carries the message, byte for byte as live, replayed, paged and fetched."""
    async with rest.served.client() as client:
        await client.sign_in("bo")
        await client.join()
        posted = await rest.say("hé <b>", headers={"Idempotency-Key": "k-1"})
        live = await client.receive()
    assert posted.status == 201
    assert posted.headers["Content-Type"].startswith("application/json")
    assert posted.headers["Location"] == f"{ROOM}/1"
    assert posted.json == live
    assert posted.json["cid"] == "k-1"
    assert posted.json["user"] == "ann"
    assert (await rest.ask("GET", f"{ROOM}/1")).body == posted.body
    page = await rest.ask("GET", ROOM)
    assert b'"items":[' + posted.body + b"]" in page.body


async def test_a_replay_is_the_first_message(rest: Rest) -> None:
    """The same key and content again is 200, marked, with the bytes of then; nothing is added."""
    first = await rest.say("once", headers={"Idempotency-Key": "k-1"})
    again = await rest.say("once", headers={"Idempotency-Key": "k-1"})
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Location"] == first.headers["Location"]
    assert (await rest.ask("GET", ROOM)).json["head"] == 1


async def test_a_replay_of_a_trimmed_message_is_composed(rest_with: Start) -> None:
    """Once the original is trimmed, a replay still answers with its place, time and bytes."""
    rest = await rest_with(ROOM_HISTORY=100)
    first = await rest.say("old", headers={"Idempotency-Key": "k-1"})
    for number in range(100):
        await rest.say(str(number))
    again = await rest.say("old", headers={"Idempotency-Key": "k-1"})
    assert (again.status, again.body) == (200, first.body)
    assert (await rest.ask("GET", f"{ROOM}/1")).status == 410


async def test_one_namespace_with_websocket(rest: Rest, connect: Connect) -> None:
    """A cid used by WebSocket is a replay by REST, and a conflict with other content."""
    client = await connect("ann", to=rest.served)
    ack = await client.publish("both", cid="c-9")
    replay = await rest.say("both", headers={"Idempotency-Key": "c-9"})
    assert (replay.status, replay.json["seq"]) == (200, ack["ref"])
    other = await rest.say("else", headers={"Idempotency-Key": "c-9"})
    assert (other.status, other.json["code"], other.json["status"]) == (422, "conflict", 422)
    bo = await rest.say("else", user="bo", headers={"Idempotency-Key": "c-9"})
    assert bo.status == 201


async def test_a_missing_key_is_made_up(rest: Rest) -> None:
    """Without a key each POST is a message of its own, with a cid of the server's."""
    first, second = await rest.say("same"), await rest.say("same")
    assert first.json["seq"] + 1 == second.json["seq"]
    assert first.json["cid"] != second.json["cid"]


async def test_speaking_for_another_takes_the_scope(rest: Rest) -> None:
    """`user` in the body needs chat.publish, which needs no permission in the room."""
    body = {"text": "beep", "user": "robot"}
    refused = await rest.ask("POST", ROOM, json=body)
    assert (refused.status, refused.json["code"]) == (403, "forbidden")
    said = await rest.ask("POST", ROOM, json=body, rooms={}, scope="chat.publish")
    assert (said.status, said.json["user"]) == (201, "robot")
    assert "name" not in said.json


async def test_what_the_client_may_not_set_is_filled_in(rest: Rest) -> None:
    """`seq`, `ts`, `room`, `name` and `type` of the body are ignored."""
    body = {"text": "x", "seq": 99, "ts": 1, "room": "other", "name": "Eve", "type": "edited"}
    said = (await rest.ask("POST", ROOM, json=body)).json
    assert (said["seq"], said["room"], said["name"], said["type"]) == (
        1,
        "general",
        "Ann",
        "message",
    )
    assert said["ts"] > 1_600_000_000_000


async def test_rate_limit_says_when(rest_with: Start) -> None:
    """The publish over the limit is 429 with the three fields; a replay is never charged."""
    rest = await rest_with(RATE_LIMIT_MESSAGES_PER_MINUTE=2)
    first = await rest.say("1", headers={"Idempotency-Key": "k"})
    assert first.headers["RateLimit-Policy"] == '"publish";q=2;w=60'
    assert "RateLimit" not in first.headers
    await rest.say("2")
    over = await rest.say("3")
    assert (over.status, over.json["code"]) == (429, "rate_limited")
    seconds = int(over.headers["Retry-After"])
    assert 0 < seconds <= 61
    assert over.json["retry_ms"] <= seconds * 1000
    assert over.headers["RateLimit"] == f'"publish";r=0;t={seconds}'
    assert over.headers["RateLimit-Policy"] == '"publish";q=2;w=60'
    assert (await rest.say("1", headers={"Idempotency-Key": "k"})).status == 200
    assert (await rest.say("bo", user="bo")).status == 201


async def test_a_held_write_ends_at_the_preference(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `Prefer: wait=1` a write that storage holds is 503 after a second, never 202."""
    monkeypatch.setattr(rest.node.engine, "log", Stalled(rest.node.engine.log))
    began = asyncio.get_running_loop().time()
    held = await rest.say("x", headers={"Prefer": "respond-async, wait=1"})
    took = asyncio.get_running_loop().time() - began
    assert (held.status, held.json["code"]) == (503, "unavailable")
    assert held.headers["Preference-Applied"] == "wait=1"
    assert int(held.headers["Retry-After"]) >= 1
    assert 0.9 < took < 5


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("wait=3", "wait=3"),
        ("wait=99", "wait=15"),
        ("wait=0", "wait=1"),
        ('Wait="4"', "wait=4"),
        ("wait=4; foo=1", "wait=4"),
        ("wait=2, wait=9", "wait=2"),
        ("wait=-1", None),
        ("wait=soon", None),
        ("respond-async", None),
    ],
)
async def test_preference(rest: Rest, prefer: str, applied: str | None) -> None:
    """`Prefer: wait` is honoured from 1 to 15 s and echoed; what is not understood is ignored."""
    said = await rest.say("x", headers={"Prefer": prefer})
    assert (said.status, said.headers.get("Preference-Applied")) == (201, applied)


async def test_unavailable_storage_is_503(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read that the storage does not answer is 503 with Retry-After."""

    async def read(*_: object, **__: object) -> None:
        raise Unavailable

    monkeypatch.setattr(rest.node.engine.log, "read", read)
    for path in (ROOM, f"{ROOM}/1"):
        answer = await rest.ask("GET", path)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


async def test_letters(rest: Rest) -> None:
    """Writing takes `w`, reading takes `r`; `dm:` rooms belong to their two users alone."""
    assert (await rest.say("x", rooms={"general": "w"})).status == 201
    assert (await rest.ask("GET", ROOM, rooms={"general": "w"})).status == 403
    assert (await rest.say("x", rooms={"general": "r"})).status == 403
    assert (await rest.ask("GET", ROOM, rooms={"general": "r"})).status == 200
    assert (await rest.say("x", room="dm:ann:bo", rooms={})).status == 201
    assert (await rest.ask("GET", "/v1/rooms/dm:ann:bo/messages", user="cy")).status == 403


async def test_head_has_no_body(rest: Rest) -> None:
    """HEAD answers as GET does, without the body."""
    await rest.say("x")
    for path in (ROOM, f"{ROOM}/1", "/health/live", "/v1/openapi.json"):
        answer = await rest.ask("HEAD", path)
        assert (answer.status, answer.body) == (200, b"")
