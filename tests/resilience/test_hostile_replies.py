"""What Redis and Sentinel say is read as what anybody could have written: never a crash."""

from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from chat.log import Event, Position
from resilience import channel, replies
from resilience.channel import Committed
from resilience.continuity import Lineage
from resilience.records import Records
from resilience.replies import Garbled
from resilience.stream import Stream
from tests.examples import hold, often

DIGITS: Final = st.sampled_from(
    [b"", b"0", b"7", b"-1", b"+1", b" 1", b"1_0", b"9" * 5_000, b"\xb2"]
)
WORDS: Final = st.sampled_from(
    [
        *(b"master", b"slave", b"ip", b"port", b"flags", b"config-epoch", b"num-other-sentinels"),
        *(b"slave-priority", b"s_down", b"127.0.0.1", b"connected", b"1-1", b"1-2", b"e"),
    ]
)
ATOMS: Final = st.none() | st.integers() | st.binary(max_size=30) | DIGITS | WORDS
REPLIES: Final = st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=8), max_leaves=20)

MESSAGE: Final = {"type": "message", "room": "den", "seq": 7, "ts": 1, "user": "ann", "text": "hi"}
VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
CHANGED: Final = st.builds(
    lambda change: msgspec.json.encode(MESSAGE | change),
    st.dictionaries(
        st.sampled_from([*MESSAGE, "data", "mentions", "cid", "x"]), VALUES, max_size=2
    ),
)


@st.composite
def spoilt(draw: st.DrawFn, whole: st.SearchStrategy[bytes] = CHANGED) -> bytes:
    """Bytes of ours with some of them replaced, cut out or doubled."""
    payload = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(payload)))
        payload[start : start + draw(st.integers(0, 6))] = draw(st.binary(max_size=6))
    return bytes(payload)


PAYLOADS: Final = st.binary(max_size=60) | spoilt() | st.just(b"[" * 100_000)


def assert_presentable(event: Event) -> None:
    """What is handed on is a message of its place, and text that every client can read."""
    shown = msgspec.json.decode(event.payload.decode())
    assert (shown["type"], shown["room"], shown["seq"]) == ("message", "den", event.seq)
    assert isinstance(shown["user"], str)


@often(15_000)
def test_records(examples: int) -> None:
    """A payload is the message of its place, or it is skipped and counted."""

    def fact(payload: bytes) -> None:
        records = Records()
        event = records.event("den", 7, payload)
        assert records.skipped == (event is None)
        if event is not None:
            assert_presentable(event)

    hold(examples, fact, PAYLOADS)


@often(5_000)
def test_entries(examples: int) -> None:
    """A stream's entry is a message, or it is skipped and counted, whatever its form."""
    entries = st.tuples(ATOMS | st.just(b"1-7"), st.lists(ATOMS | PAYLOADS, max_size=4)).map(list)

    def fact(entry: Any) -> None:
        records = Records()
        event = records.entry("den", entry)
        assert records.skipped == (event is None)

    hold(examples, fact, REPLIES | entries)


@often(15_000)
def test_channel(examples: int) -> None:
    """A payload of a room's channel is news or None; its events are the log's, or skipped."""
    words = st.sampled_from(["e1", "n1", "ann", "a b", ""])
    news = st.builds(
        channel.encode,
        st.builds(Committed, words, st.integers(-9, 9), st.lists(PAYLOADS, max_size=3))
        | st.builds(channel.Head, words, st.integers(-9, 9))
        | st.builds(channel.Signal, words, PAYLOADS)
        | st.builds(channel.Attendance, words, st.lists(st.tuples(words, words)), st.lists(words)),
    )

    def fact(payload: bytes) -> None:
        stream, records = Stream("den"), Records()
        stream.begin(Position("e1", 6))
        match channel.decode(payload):
            case Committed() as committed:
                for event in stream.join(committed, records):
                    assert_presentable(event)
                assert stream.position is not None
                assert stream.position.seq >= 6
            case channel.Signal(payload=signal):
                assert not channel.is_signal("den", signal) or b'"typing"' in signal
            case channel.Attendance(join=join, leave=leave):
                assert "a b" not in {*leave, *(user for user, _ in join)}

    hold(examples, fact, st.binary(max_size=60) | spoilt(news))


@often(15_000)
def test_replies(examples: int) -> None:
    """ROLE, INFO, SENTINEL MASTER and REPLICAS are understood, or `Garbled`."""
    fields = [b"ip", b"port", b"flags", b"config-epoch", b"num-other-sentinels", b"slave-priority"]
    views = st.lists(ATOMS, min_size=6, max_size=6).map(
        lambda values: [it for pair in zip(fields, values, strict=True) for it in pair]
    )
    roles = st.tuples(WORDS, ATOMS, ATOMS | st.lists(st.tuples(ATOMS, ATOMS, ATOMS).map(list)))
    said = REPLIES | views | st.lists(views, max_size=3) | roles.map(list)
    infos = st.binary(max_size=40) | DIGITS.map(lambda it: b"second_repl_offset:" + it + b"\r\n")

    def fact(reply: Any) -> None:
        for parse in (replies.role, replies.info, replies.master, replies.replicas):
            try:
                parsed = parse(reply)
            except Garbled:
                continue
            if isinstance(parsed, dict):
                assert isinstance(Lineage.read(parsed).parent_end, int)
        assert replies.natural(reply) >= 0

    hold(examples, fact, said | infos)
