"""Names that travel: exactly the ones of the protocol, to the last newline."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.names import DisplayName, FrameId, MessageId, RoomName, UserId, dm_users

# As the protocol writes them; `fullmatch` reads `$` as its author meant it.
PATTERNS = {
    "room": (RoomName, r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,63}"),
    "user": (UserId, r"[A-Za-z0-9_.@-]{1,64}"),
    "cid": (MessageId, r"[A-Za-z0-9_-]{1,64}"),
}
NEAR = st.text("aZ09_.:@-*/ \n\r\0é", max_size=66)


def fits(value: Any, form: Any) -> bool:
    try:
        msgspec.convert(value, form)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize(("form", "pattern"), PATTERNS.values(), ids=PATTERNS)
@given(data=st.data())
def test_exactly_the_names_of_the_protocol_fit(form: Any, pattern: str, data: Any) -> None:
    """A name is accepted if and only if the protocol's pattern matches the whole of it."""
    name = data.draw(NEAR | st.from_regex(pattern, fullmatch=True) | st.text())
    assert fits(name, form) == bool(re.fullmatch(pattern, name))


@pytest.mark.parametrize(("form", "pattern"), PATTERNS.values(), ids=PATTERNS)
def test_bounds_of_names(form: Any, pattern: str) -> None:
    """64 characters fit and 65 do not; neither does nothing, nor a name and a newline."""
    assert fits("a" * 64, form)
    assert not any(
        fits(name, form) for name in ("", "a" * 65, "a\n", "a\n\n", "\na", "a" * 64 + "\n")
    )


@pytest.mark.parametrize("name", [".a", "_a", ":a", "@a", "-a"])
def test_a_room_begins_with_a_letter_or_digit(name: str) -> None:
    """What a user may be called, a room may not, where it begins with a sign."""
    assert not fits(name, RoomName)


@pytest.mark.parametrize("value", ["", "x" * 64, "é" * 64, 0, -1, 2**53, 1.5, -(2**53)])
def test_ids_of_frames(value: Any) -> None:
    """Any short string and any number that JavaScript holds exactly is an id."""
    assert fits(value, FrameId)


@pytest.mark.parametrize(
    "value", ["x" * 65, 2**53 + 1, -(2**53) - 1, 2.0**60, True, None, [], {}, float("inf")]
)
def test_what_is_no_id(value: Any) -> None:
    """Longer strings, larger numbers and everything else are none."""
    assert not fits(value, FrameId)


def test_a_display_name_is_bounded() -> None:
    """A name for people has at most 64 code points."""
    assert fits("👍" * 64, DisplayName)
    assert not fits("x" * 65, DisplayName)


@pytest.mark.parametrize(
    ("room", "users"),
    [
        ("dm:ann:bo", ("ann", "bo")),
        ("dm:ann:ann", ("ann", "ann")),
        ("dm:ann", ("", "")),
        ("dm:", ("", "")),
        ("dm:ann:bo:cy", ("", "")),
        ("dm:ann:", ("ann", "")),
        ("dm", None),
        ("dmx:a:b", None),
        ("DM:a:b", None),
        ("general", None),
    ],
)
def test_whom_a_direct_room_belongs_to(room: str, users: tuple[str, str] | None) -> None:
    """`dm:<a>:<b>` belongs to a and b, a malformed one to nobody, any other room is none."""
    assert dm_users(room) == users
