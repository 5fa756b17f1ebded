"""Drafts: a message is encoded once, and whoever knows its place makes the same bytes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.commands import Content
from chat.frames import Message, encode
from chat.log import Draft, Event, draft_message, ts_of

FULL = {
    "user": "u7",
    "name": "Bo",
    "cid": "9f-1",
    "text": 'say "ä\n👍"',
    "data": {"a": [1, None]},
    "reply_to": 3,
    "mentions": ["u1", "u2"],
}


def draft(**changes: Any) -> Draft:
    """Return a draft of a full message, with changes; None leaves a field out."""
    said = {**FULL, **changes}
    data = msgspec.Raw() if said["data"] is None else msgspec.Raw(msgspec.json.encode(said["data"]))
    return draft_message(
        room=said.get("room", "den"),
        user=said["user"],
        name=said["name"],
        cid=said["cid"],
        content=Content(
            text=said["text"], data=data, reply_to=said["reply_to"], mentions=said["mentions"]
        ),
    )


def test_a_payload_is_the_message_frame() -> None:
    """At its place a draft is the JSON of the protocol's `message`, nothing more or less."""
    payload = msgspec.json.decode(draft().payload(1503, 1760000000000))
    frame = Message(room="den", seq=1503, ts=1760000000000, **FULL)  # type: ignore[arg-type]
    assert payload == msgspec.json.decode(encode(frame))


def test_what_is_absent_takes_no_byte() -> None:
    """A message of nothing but text has only the fields that every message has, and its own."""
    bare = draft(name=None, data=None, reply_to=None, mentions=None)
    assert bare.payload(1, 2) == (
        b'{"type":"message","room":"den","seq":1,"ts":2,'
        b'"user":"u7","cid":"9f-1","text":"say \\"\xc3\xa4\\n\xf0\x9f\x91\x8d\\""}'
    )


@given(
    seq=st.integers(1, 2**53),
    ts=st.integers(0, 2**53),
    text=st.text() | st.just('","ts":7,"') | st.just('\\",\\"ts\\":'),
)
def test_the_place_is_where_it_belongs(seq: int, ts: int, text: str) -> None:
    """Whatever is said, `seq` and `ts` are the ones of the place, for any reader of the bytes."""
    payload = draft(text=text).payload(seq, ts)
    read = msgspec.json.decode(payload)
    assert (read["seq"], read["ts"], read["text"]) == (seq, ts, text)
    assert ts_of(payload) == ts


NUMBER_TOO_LONG = b'{"x":{"a":0,"ts":' + b"9" * 5_000 + b',"b":0}}'


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b'{"ts":1}', b'{"a":1,"ts":x,', b'{"a":1,"ts":', NUMBER_TOO_LONG],
)
def test_what_is_no_event_has_no_time(payload: bytes) -> None:
    """Of bytes that are no event the time is 0, and nothing is raised."""
    assert ts_of(payload) == 0


def test_size_is_all_but_the_place() -> None:
    """What a draft costs to hold is its payload without the digits and the name of `ts`."""
    mine = draft()
    assert mine.size == len(mine.payload(1, 2)) - len(b'1,"ts":2')


@pytest.mark.parametrize(
    "change",
    [
        {"text": "other"},
        {"text": None},
        {"data": {"a": [1]}},
        {"data": None},
        {"reply_to": 4},
        {"reply_to": None},
        {"mentions": ["u2", "u1"]},
        {"mentions": None},
    ],
)
def test_other_content_has_another_digest(change: dict[str, Any]) -> None:
    """Whatever of the content differs, it is no retry."""
    assert draft(**change).digest != draft().digest


@pytest.mark.parametrize("change", [{}, {"name": "Robert"}, {"name": None}, {"cid": "x"}])
def test_a_retry_has_the_same_digest(change: dict[str, Any]) -> None:
    """The same content is a retry, also when a new token spells the name differently."""
    assert draft(**change).digest == draft().digest


def test_text_and_data_are_told_apart() -> None:
    """A text does not pass for data of the same letters."""
    words = draft(text="x", data=None).digest
    assert draft(text=None, data="x").digest != words


def test_an_event_is_handed_on_untouched() -> None:
    """The raw form of an event is its payload."""
    assert bytes(Event(1, b'{"a": 1}').raw) == b'{"a": 1}'
