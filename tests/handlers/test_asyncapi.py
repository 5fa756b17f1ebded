"""The AsyncAPI document: complete, consistent, and true of every frame that is really sent."""

import asyncio
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chat.closes import CLOSES
from chat.commands import COMMANDS
from chat.engine import Phase, Storage
from chat.errors import ERRORS
from chat.frames import FRAMES
from tests.chatting import Client
from tests.conftest import Connect
from tests.handlers.conftest import Rest


@pytest.fixture
async def document(rest: Rest) -> Any:
    return (await rest.ask("GET", "/v1/asyncapi.json", user=None)).json


def validators(document: Any, forms: tuple[type, ...]) -> dict[str, Draft202012Validator]:
    """Return a validator for each type of frame."""
    messages = document["components"]["messages"]
    return {
        messages[form.__name__]["name"]: Draft202012Validator(
            {**messages[form.__name__]["payload"], "components": document["components"]}
        )
        for form in forms
    }


def pointers(value: Any) -> list[str]:
    """Return every `$ref` in the document."""
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [p for item in value.values() for p in pointers(item)]
    return [p for item in value for p in pointers(item)] if isinstance(value, list) else []


async def test_references_lead_somewhere(document: Any) -> None:
    """Every reference resolves in the document."""
    found = pointers(document)
    assert len(found) > 50
    for pointer in found:
        target = document
        for step in pointer.removeprefix("#/").split("/"):
            target = target[step]


async def test_structure(document: Any) -> None:
    """It is AsyncAPI 3.0: operations refer to messages of their channel, by channel reference."""
    assert document["asyncapi"] == "3.0.0"
    assert document["channels"]["chat"]["address"] == "/ws"
    for operation in document["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert operation["channel"] == {"$ref": "#/channels/chat"}
        said = operation["messages"] + operation.get("reply", {}).get("messages", [])
        assert all(m["$ref"].startswith("#/channels/chat/messages/") for m in said)


async def test_every_frame_is_in_an_operation(document: Any) -> None:
    """Each command is received, each frame sent, as a reply or unasked."""
    operations = document["operations"].values()
    received = {m["$ref"] for o in operations if o["action"] == "receive" for m in o["messages"]}
    sent = {m["$ref"] for o in operations if o["action"] == "send" for m in o["messages"]}
    sent |= {m["$ref"] for o in operations for m in o.get("reply", {}).get("messages", [])}
    at = "#/channels/chat/messages/"
    assert received == {at + form.__name__ for form in COMMANDS}
    assert sent == {at + form.__name__ for form in FRAMES}


async def test_what_comes_unasked(document: Any) -> None:
    """Only what answers a frame by its `id` alone never comes by itself."""
    told = {m["$ref"].split("/")[-1] for m in document["operations"]["tell"]["messages"]}
    assert {form.__name__ for form in FRAMES} - told == {"Ack", "ServerPong"}


async def test_tables(document: Any) -> None:
    """Errors and close codes are the ones of the code, each close with its verdict."""
    assert {row["code"] for row in document["x-errors"]} == set(ERRORS)
    rows = {row["code"]: row for row in document["x-close-codes"]}
    assert {code: row["name"] for code, row in rows.items()} == {c.code: c.name for c in CLOSES}
    assert "stay away" in rows[4004]["client"]
    assert "resume" in rows[4300]["client"]


async def test_examples_hold(document: Any) -> None:
    """Each frame has an example, and it fits its schema."""
    for message in document["components"]["messages"].values():
        schema = {**message["payload"], "components": document["components"]}
        assert message["examples"]
        for example in message["examples"]:
            Draft202012Validator(schema).validate(example["payload"])


async def converse(rest: Rest, connect: Connect) -> list[Client]:
    """Make a server say all it can say; return the clients who heard it."""
    ann: Client = await connect(None, to=rest.served)
    await ann.send({"type": "publish", "room": "general", "text": "too early"})
    await ann.sign_in("ann", batch=True)
    await ann.sign_in("ann")
    for number in range(120):
        await rest.say(str(number), user="bo")
    await ann.join(history=3)
    await ann.join("other", since=0)
    await ann.join(since=1)
    await ann.join(since=500, presence=True)
    bo: Client = await connect("bo", to=rest.served)
    await bo.join()
    await ann.until("presence")
    await bo.ask({"type": "typing", "room": "general", "on": True})
    data = {"type": "publish", "room": "general", "data": {"a": [1.5, None]}, "mentions": ["ann"]}
    await bo.ask({**data, "reply_to": 1, "cid": "c"})
    await bo.ask({**data, "reply_to": 1, "cid": "c"})
    await ann.ask({"type": "ping"})
    await ann.ask({"type": "fly", "id": 1.5})
    await ann.send({"type": "publish", "room": "?"})
    await bo.ask({"type": "leave", "room": "general"})
    for phase in (Phase.DOWN, Phase.UP):
        rest.node.hub.storage_changed(Storage(phase, "test", 0))
    await ann.until("notice", code="recovered")
    rest.node.announce_drain("restart")
    await asyncio.gather(ann.until("goaway"), bo.until("goaway"))
    return [ann, bo]


async def test_every_frame_that_is_sent_fits(rest: Rest, document: Any, connect: Connect) -> None:
    """Every frame of a conversation that provokes all there are fits the schema of its type."""
    clients = await converse(rest, connect)
    valid = validators(document, FRAMES)
    kinds = set()
    for frame in (frame for client in clients for frame in client.seen):
        valid[frame["type"]].validate(frame)
        kinds.add(frame["type"])
    assert kinds == set(valid) - {"ping"}  # that one comes after minutes of silence


async def test_frames_that_are_wrong_do_not_fit(document: Any) -> None:
    """The schemas are no rubber stamp: a broken frame, or event inside a frame, is refused."""
    valid = validators(document, FRAMES)
    changes: list[tuple[str, dict[str, Any]]] = [
        ("message", {"seq": "1"}),
        ("message", {"type": "massage"}),
        ("joined", {"events": [{"type": "message"}]}),
        ("events", {"events": [1]}),
        ("error", {"code": None}),
        ("presence", {"join": ["u9"]}),
    ]
    names = {m["name"]: m for m in document["components"]["messages"].values()}
    for kind, change in changes:
        example = names[kind]["examples"][0]["payload"]
        assert not valid[kind].is_valid({**example, **change}), (kind, change)
