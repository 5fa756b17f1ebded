"""What the server says: the fields of the protocol, and its own examples."""

from functools import reduce
from operator import or_
from typing import Any

import msgspec
import pytest

from chat.frames import FRAMES, Ack, Joined, Message, TypingSignal, encode

# Section 3 of the protocol: what stands in each frame beside `type`; `?` is left out at times.
FIELDS = {
    "hello": "v auth auth_timeout_s ts",
    "welcome": "id? conn user exp ts ping_s idle_s limits degraded?",
    "ack": "id? cid? room? ref? ts? dup? exp?",
    "error": "id? cid? room? code detail? field? retry_ms? until?",
    "notice": "code",
    "goaway": "reason retry_ms deadline_ms",
    "ping": "",
    "pong": "id? ts",
    "joined": "id? room epoch tail head events more? reset? perm presence?",
    "events": "room events more?",
    "left": "id? room reason",
    "message": "room seq ts user name? cid? text? data? reply_to? mentions?",
    "typing": "room user on ttl_ms",
    "presence": "room count join? leave?",
}

# The protocol's own examples; one frame each, however many lines.
EXAMPLES = """
{"type":"hello","v":1,"auth":"required","auth_timeout_s":10,"ts":1760000000000}
{"type":"welcome","id":1,"conn":"c7f3","user":{"id":"u42","name":"Ann"},"exp":1760003600,
 "ts":1760000000010,"ping_s":25,"idle_s":300,
 "limits":{"frame":16384,"text":4000,"data":4096,"batch":64,"rooms":50,"history":100,
  "dedup_s":600,"publish":[30,60]}}
{"type":"joined","id":2,"room":"general","epoch":"k3","tail":12,"head":1503,"perm":"rw",
 "presence":{"count":12},
 "events":[{"type":"message","room":"general","seq":1503,"ts":1760000000000,"user":"u7",
  "name":"Bo","text":"hi","cid":"9f-1"}]}
{"type":"ack","id":7,"cid":"0b7c-2","room":"general","ref":1504,"ts":1760000000050}
{"type":"error","id":8,"cid":"77aa-3","room":"general","code":"rate_limited",
 "detail":"30 per 60 s","retry_ms":640}
{"type":"presence","room":"general","count":13,"join":[{"id":"u9","name":"Cy"}],"leave":["u3"]}
{"type":"goaway","reason":"restart","retry_ms":1830,"deadline_ms":20000}
""".strip().split("\n{")


def test_the_frames_are_the_protocols() -> None:
    """Every frame of the protocol is there, with its fields and no other."""
    found = {
        frame.__struct_config__.tag: {
            f"{field.name}{'' if field.required else '?'}"
            for field in msgspec.structs.fields(frame)
        }
        for frame in FRAMES
    }
    assert found == {tag: set(fields.split()) for tag, fields in FIELDS.items()}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split('"')[3])
def test_the_protocols_examples(example: str) -> None:
    """Read as a frame and encoded again, each example of the protocol says what it said."""
    example = "{" + example.removeprefix("{")
    frame = msgspec.json.decode(example, type=reduce(or_, FRAMES))
    assert msgspec.json.decode(encode(frame)) == msgspec.json.decode(example)


def test_type_comes_first_and_nothing_empty_follows() -> None:
    """A frame begins with its type, and what is absent takes no byte."""
    assert encode(Ack(cid="a")) == b'{"type":"ack","cid":"a"}'
    assert encode(Ack(id=0, dup=True)) == b'{"type":"ack","id":0,"dup":true}'


def test_what_is_false_or_empty_is_still_said() -> None:
    """A field that every such frame has is there even when it is false, zero or empty."""
    typing = TypingSignal(room="a", user="u", on=False, ttl_ms=0)
    assert msgspec.json.decode(encode(typing))["on"] is False
    joined = Joined(room="a", epoch="e", tail=1, head=0, events=[], perm="r")
    assert msgspec.json.decode(encode(joined)).keys() == {
        "type",
        "room",
        "epoch",
        "tail",
        "head",
        "events",
        "perm",
    }


@pytest.mark.parametrize("id", [0, -1, 2**53, "", "ä\n\"'", 1.5, 1e300])
def test_an_id_comes_back_as_it_was(id: Any) -> None:  # noqa: A002
    """Whatever the id of a frame, its reply carries the same value."""
    assert msgspec.json.decode(encode(Ack(id=id)))["id"] == id


def test_events_are_not_touched() -> None:
    """An event's bytes stand in the enclosing frame as they are, white space and all."""
    raw = b'{"type":"message", "seq":1,"n":1.0e2}'
    joined = Joined(room="a", epoch="e", tail=1, head=1, events=[msgspec.Raw(raw)], perm="r")
    assert raw in encode(joined)


def test_only_durable_events_have_a_seq() -> None:
    """`since = frame.seq ?? since` is right: of all frames a message alone has that field."""
    having = [f for f in FRAMES if "seq" in f.__struct_fields__]
    assert having == [Message]
