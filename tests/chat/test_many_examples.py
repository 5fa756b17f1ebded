"""Tens of thousands of examples: codec, text rule, limiter and session against anything."""

import unicodedata
from typing import Final

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat import text
from chat.claims import Claims
from chat.closes import Close
from chat.codec import Fault, decode
from chat.commands import AnyCommand
from chat.errors import ERRORS, Refusal
from chat.limits import Limits, Pace
from chat.rate import Window
from chat.session import Session, Timing

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1_800)]


def many(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
KEYS: Final = st.sampled_from(["type", "id", "room", "cid", "text", "data", "since", "token", "on"])
KINDS: Final = st.sampled_from(["auth", "join", "leave", "publish", "typing", "ping", "pong"])
FRAMES: Final = st.builds(
    lambda kind, rest: {**rest, "type": kind}, KINDS, st.dictionaries(KEYS, JSON, max_size=5)
)


@many(15_000)
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda it: it.encode("utf-8", "replace"))
)
def test_codec(payload: bytes) -> None:
    """Any bytes become commands or faults with a code of the table; nothing else is raised."""
    for item in decode(payload, 64):
        if isinstance(item, Fault):
            assert item.refusal.code in ERRORS


@many(15_000)
@given(st.text(max_size=200))
def test_text_rule(given_text: str) -> None:
    """What is sanitised is in NFC, encodes, and stays itself when it is sanitised again."""
    clean = text.sanitise(given_text)
    assert text.sanitise(clean) == clean
    assert unicodedata.is_normalized("NFC", clean)
    clean.encode()


@many(10_000)
@given(st.integers(1, 8), st.lists(st.floats(0, 30), max_size=60))
def test_limiter(limit: int, steps: list[float]) -> None:
    """In no window are there more spends than the limit, whatever the pace."""
    window, now, spent = Window(limit, 60.0), 0.0, []
    for step in steps:
        now += step
        if window.spend(now) == 0.0:
            spent.append(now)
    assert all(later - first >= 60.0 for first, later in zip(spent, spent[limit:], strict=False))


def answer(session: Session, command: AnyCommand, now: float) -> Refusal | None:
    try:
        session.admit(command, now)
    except Refusal as refusal:
        return refusal
    return None


@many(2_000)
@given(said=st.lists(st.tuples(FRAMES, st.floats(0, 20)), max_size=30), welcomed=st.booleans())
def test_session(said: list[tuple[dict[str, object], float]], *, welcomed: bool) -> None:
    """Any commands at any pace are admitted, or refused by the table; strangers are only closed."""
    session, now = Session(Limits(), Pace(), Timing(), 0.0), 0.0
    if welcomed:
        session.welcome(Claims(sub="ann", exp=10_000, rooms={"*": "r"}), now, 0.0)
    for frame, step in said:
        now += step
        for item in decode(msgspec.json.encode(frame), 64):
            refusal = None if isinstance(item, Fault) else answer(session, item, now)
            if refusal is not None:
                assert refusal.code in ERRORS
                assert (refusal.retry_ms is not None) == (refusal.code == "rate_limited")
        brought = session.tick(now)
        assert welcomed or brought is None or isinstance(brought, Close)
