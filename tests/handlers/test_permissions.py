"""Permissions: one matrix of role, action and edge; WebSocket, REST and history agree in all."""

import asyncio
from typing import Any, Final

import pytest

from chat.log import Page
from tests.chatting import Client, token
from tests.conftest import Connect, Serve
from tests.handlers.conftest import Rest

# the `rooms` claim, the room, and what ann may do there
ROLES: Final[list[tuple[dict[str, str], str, str]]] = [
    ({}, "general", ""),
    ({"general": ""}, "general", ""),
    ({"general": "r"}, "general", "r"),
    ({"general": "w"}, "general", "w"),
    ({"general": "rw"}, "general", "rw"),
    ({"general": "m"}, "general", "m"),
    ({"other": "rwm"}, "general", ""),
    ({"General": "rwm"}, "general", ""),
    ({"*": "rw"}, "general", "rw"),
    ({"*": "rwm", "general": ""}, "general", ""),
    ({"*": "rwm", "general": "r"}, "general", "r"),
    ({"*": "r", "gen*": "w"}, "general", "w"),
    ({"gen*": "rw", "general*": ""}, "general", ""),
    ({"general.*": "rwm"}, "general", ""),
    ({}, "dm:ann:bo", "rw"),
    ({}, "dm:bo:ann", "rw"),
    ({"dm:ann:bo": ""}, "dm:ann:bo", "rw"),
    ({"*": "rwm", "dm:*": "rwm", "dm:bo:cy": "rwm"}, "dm:bo:cy", ""),
    ({"*": "rwm"}, "dm:annie:bo", ""),
    ({"*": "rwm"}, "dm:ann", ""),
    ({"*": "rwm"}, "dm:ann:bo:cy", ""),
]
SCOPES: Final = ["", "chat.admin", "chat.publisher", "chat.publish"]
TEXT: Final = {"text": "x"}
# action: the letter it takes, its frame, its request
ACTIONS: Final[dict[str, tuple[str, dict[str, Any] | None, tuple[str, str] | None]]] = {
    "publish": ("w", {"type": "publish", **TEXT}, ("POST", "/messages")),
    "join": ("r", {"type": "join"}, None),
    "watch": ("r", {"type": "join", "presence": True}, ("GET", "/presence")),
    "catch up": ("r", {"type": "join", "since": 0}, ("GET", "/messages?after=0")),
    "page back": ("r", {"type": "join", "history": 100}, ("GET", "/messages?before=9")),
    "fetch": ("r", None, ("GET", "/messages/1")),
}


def said(answer: dict[str, Any]) -> str:
    """Return "allowed", or the code of the refusal."""
    return str(answer["code"]) if answer["type"] in {"error", "about:blank"} else "allowed"


async def by_socket(client: Client, room: str, frame: dict[str, Any]) -> str:
    return said(await client.ask({"room": room, **frame}))


async def by_rest(rest: Rest, room: str, request: tuple[str, str], **token: Any) -> str:
    method, path = request
    if method == "POST":
        token["json"] = TEXT
    reply = await rest.ask(method, f"/v1/rooms/{room}{path}", **token)
    return "allowed" if reply.status < 400 else str(reply.json["code"])


@pytest.mark.parametrize(("rooms", "room", "letters"), ROLES)
@pytest.mark.parametrize("scope", SCOPES)
async def test_matrix(
    rest: Rest, rooms: dict[str, str], room: str, letters: str, scope: str
) -> None:
    """Each action takes its letter, or for publishing the scope; both edges say the same."""
    speaker = {"user": "root", "rooms": {}, "scope": "chat.publish"}
    assert await by_rest(rest, room, ("POST", "/messages"), **speaker) == "allowed"
    async with rest.served.client() as client:
        await client.ask({"type": "auth", "token": token("ann", rooms, scope=scope)})
        for action, (letter, frame, request) in ACTIONS.items():
            by_scope = action == "publish" and scope == "chat.publish"
            expected = "allowed" if letter in letters or by_scope else "forbidden"
            if frame is not None:
                assert await by_socket(client, room, frame) == expected, (action, "socket")
            if request is not None:
                found = await by_rest(rest, room, request, rooms=rooms, scope=scope)
                assert found == expected, (action, "rest")
        typing = await by_socket(client, room, {"type": "typing", "on": True})
        joined = "allowed" if "w" in letters else "forbidden"
        assert typing == (joined if "r" in letters else "not_joined")


async def test_a_room_that_is_not_and_one_that_is_closed(rest: Rest) -> None:
    """Who has no access is answered byte for byte the same, whether the room exists or not."""
    await rest.say("x", room="closed")
    replies = []
    for room in ("closed", "nowhere"):
        for method, path in (("GET", "/messages"), ("GET", "/messages/1"), ("GET", "/presence")):
            reply = await rest.ask(method, f"/v1/rooms/{room}{path}", rooms={"general": "rw"})
            replies.append((reply.status, reply.body))
        async with rest.served.client() as client:
            await client.sign_in("ann", {"general": "rw"})
            answer = await client.join(room)
            replies.append((answer["code"], str(answer["detail"]).encode()))
    assert replies[:4] == replies[4:]


@pytest.mark.parametrize("fields", [{"user": "bo"}, {"seq": 9}, {"ts": 9}, {"name": "Bo"}])
async def test_what_the_client_may_not_say(rest: Rest, fields: dict[str, Any]) -> None:
    """Author, place and time are the server's: a frame's are ignored, a post's user is refused."""
    async with rest.served.client() as client:
        await client.sign_in("ann")
        await client.join()
        await client.publish("x", **fields)
        event = await client.until("message")
    assert (event["user"], event["name"], event["seq"]) == ("ann", "Ann", 1)
    assert event["ts"] > 10**12
    reply = await rest.ask("POST", "/v1/rooms/general/messages", json={"text": "y", **fields})
    if "user" in fields:
        assert (reply.status, reply.json["code"]) == (403, "forbidden")
    else:
        assert (reply.json["user"], reply.json["name"]) == ("ann", "Ann")
        assert (reply.json["seq"], reply.json["ts"] > 10**12) == (2, True)


@pytest.mark.parametrize("scope", ["", "chat.publish", "chat.admin"])
async def test_scopes_open_nothing_else(rest: Rest, scope: str) -> None:
    """Administrating takes chat.admin, speaking for others chat.publish; neither is the other."""
    listed = await rest.ask("GET", "/v1/admin/connections", scope=scope)
    assert listed.status == (200 if scope == "chat.admin" else 403)
    reply = await rest.ask(
        "POST", "/v1/rooms/general/messages", json={"text": "x", "user": "bo"}, scope=scope
    )
    assert reply.status == (201 if scope == "chat.publish" else 403)


async def test_a_join_that_waits_is_judged_by_the_newest_token(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a token has taken away meanwhile is not shown, however long ago it was asked for."""
    served = await serve()
    client, log, going = await connect("ann", to=served), served.node.engine.log, asyncio.Event()
    read = log.read

    async def late(*args: Any, **options: Any) -> Page:
        await going.wait()
        return await read(*args, **options)

    await client.publish("not for her any more")
    monkeypatch.setattr(log, "read", late)
    await client.send({"type": "join", "room": "general", "id": "j"})
    await client.ask({"type": "auth", "token": token("ann", {"other": "rw"})})
    going.set()
    assert (await client.until("error", id="j"))["code"] == "forbidden"
    await client.ask({"type": "ping"})
    assert not [frame for frame in client.seen if frame["type"] in {"joined", "events", "message"}]


async def test_a_backlog_that_a_new_token_takes_away(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two pages: the room is left as `forbidden`, and the connection goes on."""
    served = await serve()
    client, log, going = await connect("ann", to=served), served.node.engine.log, asyncio.Event()
    read = log.read

    async def late(*args: Any, **options: Any) -> Page:
        if options.get("after"):
            await going.wait()
        return await read(*args, **options)

    await client.join("other")
    for _ in range(3):
        await client.send(*[{"type": "publish", "room": "general", **TEXT}] * 50)
        for _ in range(50):
            await client.until("ack")
    monkeypatch.setattr(log, "read", late)
    assert (await client.join(since=0))["more"]
    await client.ask({"type": "auth", "token": token("ann", {"other": "rw"})})
    going.set()
    assert (await client.until("left", room="general"))["reason"] == "forbidden"
    await client.publish("still here", room="other")
    assert (await client.until("message"))["room"] == "other"
    assert served.node.hub.statistics()["rooms"] == 1
