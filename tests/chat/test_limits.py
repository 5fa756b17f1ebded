"""The limits: the protocol's defaults, sent as the protocol writes them."""

import msgspec

from chat import limits
from chat.limits import Limits, Pace


def test_defaults_are_the_protocols() -> None:
    """What `welcome.limits` says without any setting is the example of the protocol."""
    assert msgspec.to_builtins(Limits()) == {
        "frame": 16384,
        "text": 4000,
        "data": 4096,
        "batch": 64,
        "rooms": 50,
        "history": 100,
        "dedup_s": 600,
        "publish": (30, 60),
    }


def test_pace_is_the_protocols() -> None:
    """120 frames a minute, typing once in two seconds, the tenth malformed frame closes."""
    assert (Pace().frames, Pace().typing_s, Pace().malformed) == (120, 2.0, 10)


def test_catching_up_is_the_protocols() -> None:
    """1,000 events are replayed, a reset shows 50, a join without a word 50, 64 publishes wait."""
    assert (limits.REPLAY, limits.RESET_EVENTS, limits.DEFAULT_HISTORY) == (1000, 50, 50)
    assert limits.HELD_PER_CONNECTION == 64


def test_a_full_text_fits_a_frame() -> None:
    """4,000 characters of four bytes each leave room for the rest of a publish frame."""
    assert Limits().text * 4 + 300 < Limits().frame
