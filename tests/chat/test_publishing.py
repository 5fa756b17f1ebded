"""Admitting a message: permission, limits and the text rule, the same for both edges."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.claims import Claims
from chat.commands import Content
from chat.errors import Refusal
from chat.limits import Limits
from chat.log import Draft
from chat.publishing import draft, valid_trace

LIMITS = Limits(text=20, data=30)
ANN = Claims(sub="ann", exp=1, name="Ann", rooms={"den": "rw", "hall": "r"})
ROBOT = Claims(sub="robot", exp=1, name="Robot", scope="chat.publish")
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def publish(claims: Claims = ANN, room: str = "den", **more: Any) -> Draft:
    """Draft a message of a text, unless it is told otherwise."""
    content = {name: more.pop(name) for name in ("text", "data", "mentions") if name in more}
    if isinstance(content.get("data"), bytes):
        content["data"] = msgspec.Raw(content["data"])
    cid = more.pop("cid", "c-1")
    return draft(claims, room, cid, Content(**(content or {"text": "hi"})), LIMITS, **more)


def body(mine: Draft) -> dict[str, Any]:
    read: dict[str, Any] = msgspec.json.decode(mine.payload(1, 2))
    return read


def refusal(**more: Any) -> tuple[str, str | None]:
    with pytest.raises(Refusal) as refused:
        publish(**more)
    return refused.value.code, refused.value.field


def test_the_author_is_the_tokens() -> None:
    """User and name are the ones of the token, room and cid the client's."""
    mine = publish()
    assert (mine.room, mine.user, mine.cid) == ("den", "ann", "c-1")
    assert body(mine) == {
        "type": "message",
        "room": "den",
        "seq": 1,
        "ts": 2,
        "user": "ann",
        "name": "Ann",
        "cid": "c-1",
        "text": "hi",
    }


def test_writing_needs_permission() -> None:
    """Without `w` in the room a publish is forbidden, in a room of two for anybody else too."""
    assert refusal(room="hall") == ("forbidden", None)
    assert refusal(room="nowhere") == ("forbidden", None)
    assert refusal(room="dm:bo:cy") == ("forbidden", None)
    assert publish(room="dm:ann:bo").room == "dm:ann:bo"


def test_speaking_for_others_needs_the_scope() -> None:
    """`author` takes the scope, which needs no permission in the room; the name is not borrowed."""
    assert refusal(author="bo") == ("forbidden", None)
    assert refusal(author="ann") == ("forbidden", None)
    mine = publish(ROBOT, "anywhere", author="bo")
    assert (mine.user, body(mine).get("name")) == ("bo", None)
    assert publish(ROBOT, "anywhere").user == "robot"


def test_a_missing_cid_is_made_up() -> None:
    """Without a cid each draft gets one of its own, of the form a client's has."""
    made = {publish(cid=None).cid for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{16}", cid) for cid in made)


@pytest.mark.parametrize("content", [{"text": None}, {"data": b"null"}, {"data": b" null "}])
def test_something_must_be_said(content: dict[str, Any]) -> None:
    """Neither text nor data, or a null in their place, is refused."""
    assert refusal(**content) == ("bad_request", "text")


@pytest.mark.parametrize("text", ["", "  \n", "\u200b"])
def test_blank_text_is_refused_even_with_data(text: str) -> None:
    """A text that says nothing is refused, also beside data."""
    assert refusal(text=text) == refusal(text=text, data=b"1") == ("bad_request", "text")


def test_text_obeys_its_rule_and_limit() -> None:
    """The text rule is applied first, the limit counts what it leaves."""
    assert body(publish(text="a\u202eb\r\ne\u0301"))["text"] == "ab\né"
    assert body(publish(text="x\u200b" * 20))["text"] == "x" * 20
    assert refusal(text="x" * 21) == ("too_large", "text")


def test_data_is_kept_but_for_white_space() -> None:
    """Data is any JSON, written without white space, its own strings and order untouched."""
    mine = publish(data=b' { "b" : [ 1 , "x y" ] , "a" : 1.50e2 } ')
    assert b'"data":{"b":[1,"x y"],"a":1.50e2}' in mine.payload(1, 2)
    assert "text" not in body(mine)


def test_the_limit_of_data_counts_what_is_kept() -> None:
    """Thirty bytes fit, however much white space was sent between them; one more does not."""
    assert body(publish(data=b"[ %b ]" % b" , ".join([b"1"] * 14)))["data"] == [1] * 14
    assert body(publish(data=b'"%b"' % (b"x" * 28)))["data"] == "x" * 28
    assert refusal(data=b'"%b"' % (b"x" * 29)) == ("too_large", "data")
    assert refusal(data='"{}"'.format("é" * 15).encode()) == ("too_large", "data")


@pytest.mark.parametrize(
    "data",
    [
        b'"\xff"',
        b'"\\ud800"',
        b"1e400",
        b"9" * 5000,
        b"[" * 2000 + b"]" * 2000,
        b"tru",
        b"{}{}",
        b'{"a":NaN}',
    ],
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    """What a decoder of frames has only skipped is read here, and refused when it can't be."""
    assert refusal(data=data) == ("bad_request", "data")


@given(st.binary(max_size=40))
def test_any_data_is_drafted_or_refused(data: bytes) -> None:
    """Whatever bytes come as data, the payload is JSON or there is a refusal of that field."""
    try:
        mine = publish(data=data)
    except Refusal as refused:
        named = refused.field
    else:
        named = None
        assert body(mine)["data"] is not None
    assert named in {None, "data", "text"}


def test_mentions_are_kept() -> None:
    """Whom a message mentions stands in it as it was sent."""
    assert body(publish(text="x", mentions=["bo", "cy"]))["mentions"] == ["bo", "cy"]


@pytest.mark.parametrize(
    ("given_trace", "kept"),
    [
        (TRACE, TRACE),
        (TRACE.replace("00-4", "cc-4", 1), "cc" + TRACE[2:]),
        (TRACE + "\n", None),
        (TRACE.upper(), None),
        (TRACE + "-more", None),
        ("ff" + TRACE[2:], None),
        ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", None),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01", None),
        ("x" * 16_000, None),
        ("", None),
        (None, None),
    ],
)
def test_an_invalid_trace_context_is_ignored(given_trace: str | None, kept: str | None) -> None:
    """Only a valid W3C trace context is taken from a client; anything else is as if not sent."""
    assert valid_trace(given_trace) == kept
