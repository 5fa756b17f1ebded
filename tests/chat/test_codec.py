"""From bytes to commands: whatever comes in, each frame has an answer that gives nothing away."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.codec import Fault, Item, decode
from chat.commands import COMMANDS, Join, Ping, Publish
from chat.errors import ERRORS
from chat.frames import Error, encode

BATCH = 64
FIELDS = {field for command in COMMANDS for field in command.__struct_encode_fields__} | {"type"}
CANARY = "canary"


def one(payload: bytes) -> Item:
    items = list(decode(payload, BATCH))
    assert len(items) == 1
    return items[0]


def fault(payload: bytes) -> Fault:
    item = one(payload)
    assert isinstance(item, Fault)
    return item


def answer(item: Fault) -> dict[str, Any]:
    """Return the error frame for a fault, as the client would read it."""
    refusal = item.refusal
    frame = Error(
        id=item.id,
        cid=item.cid,
        room=item.room,
        code=refusal.code,
        detail=refusal.detail,
        field=refusal.field,
    )
    read: dict[str, Any] = msgspec.json.decode(encode(frame))
    return read


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**53, 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["auth", "join", "publish", "general", "a b", CANARY, f"{CANARY} - at `$.x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*sorted(FIELDS), CANARY]), inner, max_size=6)
    ),
    max_leaves=10,
)
PAIRS = st.lists(st.tuples(st.sampled_from(sorted(FIELDS)), JSON), max_size=6)


def with_repeats(pairs: list[tuple[str, Any]]) -> bytes:
    """Return an object whose keys may come twice, which no encoder would write."""
    inner = (msgspec.json.encode(key) + b":" + msgspec.json.encode(value) for key, value in pairs)
    return b"{" + b",".join(inner) + b"}"


def damaged(drawn: tuple[bytes, int, bytes]) -> bytes:
    payload, place, junk = drawn
    cut = place % (len(payload) + 1)
    return payload[:cut] + junk + payload[cut + len(junk) :]


WELL_FORMED = JSON.map(msgspec.json.encode) | PAIRS.map(with_repeats)
PAYLOADS = (
    st.binary(max_size=80)
    | WELL_FORMED
    | st.tuples(WELL_FORMED, st.integers(0, 200), st.binary(max_size=3)).map(damaged)
    | st.lists(WELL_FORMED, max_size=4).map(lambda items: b"[" + b",".join(items) + b"]")
)


@settings(max_examples=400)
@given(PAYLOADS)
def test_any_bytes_become_items_that_can_be_answered(payload: bytes) -> None:
    """Nothing is raised, and every item is a command or a fault by the table; there is one."""
    items = list(decode(payload, BATCH))
    assert items
    for item in items:
        if isinstance(item, Fault):
            assert answer(item)["code"] in {"bad_request", "unknown_type"}
            assert item.refusal.code in ERRORS
            assert item.refusal.field is None or item.refusal.field in FIELDS
        else:
            assert isinstance(item, COMMANDS)


@settings(max_examples=400)
@given(PAYLOADS)
def test_details_never_repeat_what_was_sent(payload: bytes) -> None:
    """A planted word never comes back in detail or field, however it was sent."""
    for item in decode(payload, BATCH):
        if isinstance(item, Fault):
            assert CANARY not in f"{item.refusal.detail}{item.refusal.field}"


def test_a_value_that_looks_like_a_path_is_not_echoed() -> None:
    """A type that is overruled by a second one does not come back as the name of a field."""
    refusal = fault(b'{"type":"x - at `$.canary","type":"join","room":"a"}').refusal
    assert (refusal.code, refusal.field) == ("bad_request", "type")
    assert "canary" not in str(refusal.detail)


@pytest.mark.parametrize(
    ("payload", "code", "field"),
    [
        (b"", "bad_request", None),
        (b"{", "bad_request", None),
        (b"null", "bad_request", None),
        (b'"join"', "bad_request", None),
        (b'"\\ud83d"', "bad_request", None),
        (b"NaN", "bad_request", None),
        (b"\xff\xfe", "bad_request", None),
        (b'\xef\xbb\xbf{"type":"ping"}', "bad_request", None),
        (b'{"type":"ping"} {"type":"ping"}', "bad_request", None),
        (b"{}", "bad_request", "type"),
        (b'{"type":null}', "bad_request", "type"),
        (b'{"type":["join"]}', "bad_request", "type"),
        (b'{"type":"edit"}', "unknown_type", "type"),
        (b'{"type":""}', "unknown_type", "type"),
        (b'{"type":"Join","room":"a"}', "unknown_type", "type"),
        (b'{"type":"join"}', "bad_request", "room"),
        (b'{"type":"join","room":"a b"}', "bad_request", "room"),
        (b'{"type":"join","room":7}', "bad_request", "room"),
        (b'{"type":"join","room":"a","since":1e999}', "bad_request", "since"),
        (b'{"type":"join","room":"a","since":%b}' % (b"9" * 5000), "bad_request", "since"),
        (b'{"type":"join","room":"a","since":NaN}', "bad_request", None),
        (b'{"type":"join","room":"\\ud800"}', "bad_request", None),
        (b'{"type":"publish","room":"a","mentions":["a","b c"]}', "bad_request", "mentions"),
        (b'{"type":"publish","room":"a","data":tru}', "bad_request", None),
        (b'{"type":"typing","room":"a"}', "bad_request", "on"),
        (b'{"a":' * 3000, "bad_request", None),
        (b'{"type":"join","room":%b}' % (b"[" * 5000 + b"]" * 5000), "bad_request", None),
        (b"[" * 16000, "bad_request", None),
        (b"[]", "bad_request", None),
        (b"[" + b"1," * 64 + b"1]", "bad_request", None),
        (b'[{"type":"ping"},]', "bad_request", None),
        (b"[[]]", "bad_request", None),
    ],
)
def test_what_is_wrong_is_named(payload: bytes, code: str, field: str | None) -> None:
    """A malformed frame is refused by its code, with the offending field where there is one."""
    refusal = fault(payload).refusal
    assert (refusal.code, refusal.field) == (code, field)


def test_what_is_valid_of_a_bad_frame_is_echoed() -> None:
    """The answer carries id, cid and room of the bad frame, as far as they are well-formed."""
    good = fault(b'{"type":"publish","id":"7","cid":"c-1","room":"den","text":5}')
    assert (good.id, good.cid, good.room) == ("7", "c-1", "den")
    bad = fault(b'{"type":"publish","id":[7],"cid":"c 1","room":"../den"}')
    assert (bad.id, bad.cid, bad.room) == (None, None, None)


@pytest.mark.parametrize(
    "content", [b'"text":"x\\ud83d"', b'"text":"\\udc00x"', b'"data":"\\ud83d"', b'"data":[NaN]']
)
def test_a_frame_that_only_its_sender_can_read_is_answered(content: bytes) -> None:
    """What other libraries write and JSON does not allow is refused under the frame's own names."""
    item = fault(b'{"type":"publish","id":7,"cid":"c-1","room":"den",%b}' % content)
    assert (item.id, item.cid, item.room) == (7, "c-1", "den")
    refusal = item.refusal
    assert (refusal.code, refusal.detail, refusal.field) == ("bad_request", "not valid JSON", None)


@pytest.mark.parametrize("name", [b'"\\ud83d"', b"NaN", b"Infinity", b"9" * 5000])
def test_an_id_that_can_not_be_written_is_not_echoed(name: bytes) -> None:
    """The answer to a frame whose own id is the mistake can be sent."""
    assert "id" not in answer(fault(b'{"type":"ping","id":%b}' % name))


def test_an_array_is_its_frames_in_order() -> None:
    """A faulty element harms no neighbour, and each element has its item in its place."""
    items = list(
        decode(b' [{"type":"ping","id":1}, 5, {"type":"x","id":3}, {"type":"join","room":"a"}]', 4)
    )
    first, second, third, fourth = items
    assert first == Ping(id=1)
    assert isinstance(second, Fault)
    assert isinstance(third, Fault)
    assert third.id == 3
    assert fourth == Join(room="a")


@pytest.mark.parametrize(("count", "items"), [(1, 1), (64, 64), (65, 1)])
def test_an_array_is_bounded(count: int, items: int) -> None:
    """Up to 64 frames are carried out; of a longer array none is."""
    payload = b"[" + b",".join([b'{"type":"ping"}'] * count) + b"]"
    found = list(decode(payload, BATCH))
    assert len(found) == items
    assert isinstance(found[0], Ping) == (count <= BATCH)


@pytest.mark.parametrize("space", [b" ", b"\n\t\r "])
def test_white_space_around_is_nothing(space: bytes) -> None:
    """JSON's white space before and after a frame or an array changes nothing."""
    assert one(space + b'{"type":"ping"}' + space) == Ping()
    assert one(space + b'[{"type":"ping"}]' + space) == Ping()


def test_unknown_fields_are_ignored() -> None:
    """A frame of a later version is understood as far as it is known."""
    command = one(b'{"v":2,"type":"publish","room":"a","text":"x","poll":{"a":[1]}}')
    assert isinstance(command, Publish)
    assert command.text == "x"
