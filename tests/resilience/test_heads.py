"""Whether a log ends where its stream stands: judged by what anybody could have stored."""

from typing import Any

import pytest

from chat.log import Position
from resilience.heads import _agrees
from resilience.stream import Stream

HUGE = b"9" * 5_000  # more digits than Python turns into a number


@pytest.mark.parametrize(
    ("reply", "agrees"),
    [
        ([b"e", b"3", b"0"], True),
        ([b"e", b"4", b"0"], False),
        ([b"f", b"3", b"0"], False),
        ([b"e", HUGE, b"0"], False),
        ([b"e", b"3", HUGE], False),
        ([b"e", b"x", b"0"], False),
        ([b"e", b"3", b"\xff"], False),
        ([b"e", None, None], False),
        (None, False),
    ],
)
def test_what_is_no_place_is_looked_at(reply: Any, *, agrees: bool) -> None:
    """Only the very place agrees; whatever else is stored makes the room be read, and no error."""
    stream = Stream("den")
    stream.begin(Position("e", 3))
    assert _agrees(stream, stream.position, reply, 0) is agrees


@pytest.mark.parametrize(
    ("before", "reply", "mark", "agrees"),
    [
        (Position("e", 2), [b"e", b"2", b"0"], 0, True),
        (Position("e", 2), [b"e", b"3", b"1"], 0, True),
        (Position("e", 2), [b"e", b"1", b"0"], 0, False),
        (Position("d", 3), [b"e", b"3", b"0"], 0, False),
        (Position("e", 3), [b"e", b"3", b"0"], 1, False),
        (None, [b"e", b"3", b"0"], 0, False),
    ],
)
def test_a_stream_may_move_while_it_is_asked(
    before: Position | None, reply: Any, mark: int, *, agrees: bool
) -> None:
    """Any place between question and answer agrees, of one epoch and a mark not too old."""
    stream = Stream("den")
    stream.begin(Position("e", 3))
    assert _agrees(stream, before, reply, mark) is agrees
