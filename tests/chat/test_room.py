"""A room: what each tick hands to whom, and what it costs."""

import pytest

from chat.log import Event, Position
from chat.room import Room, Tally
from tests.chat.ears import Ear, Wire
from tests.chat.rooms import commit, live


def test_frames_are_made_once_for_each_wire(room: Room, wire: Wire) -> None:
    """However many listen, a tick's events are framed once for each kind of wire."""
    other = Wire()
    ears = [Ear(wire) for _ in range(10)] + [Ear(other) for _ in range(10)]
    for ear in ears:
        live(room, ear)
    commit(room, "e1", 6, 7)
    commit(room, "e1", 8, 8)
    room.flush()
    room.flush()
    assert all(ear.heard == ["e1/6", "e1/7", "e1/8"] for ear in ears)
    assert (wire.made, other.made) == (1, 1)


def test_who_left_hears_nothing(room: Room, ear: Ear) -> None:
    """Nothing of the tick in which a listener left reaches it, and the room is empty."""
    live(room, ear)
    commit(room, "e1", 6, 6)
    room.leave(ear)
    room.leave(ear)
    room.flush()
    assert ear.heard == []
    assert room.empty


def test_the_tally_counts_what_is_handed_out(wire: Wire) -> None:
    """A flush counts its events, their age, and a delivery for each who is live."""
    tally = Tally(lambda: 10_700)
    room = Room("den", tally)
    room.position = Position("e1", 0)
    for _ in range(3):
        live(room, Ear(wire))
    said = [
        Event(seq, b'{"type":"message","seq":%d,"ts":10000,"text":"x"}' % seq) for seq in (1, 2)
    ]
    room.commit(Position("e1", 2), said)
    room.flush()
    room.flush()
    assert (tally.flushes, tally.events, tally.deliveries) == (1, 2, 6)
    assert (tally.fanout.count, tally.fanout.total) == (1, 3)
    assert tally.delivery.count == 2
    assert tally.delivery.total == pytest.approx(1.4)


def test_whispers_are_dropped_by_the_slow(room: Room, wire: Wire) -> None:
    """An ephemeral frame reaches those named who are not slow, framed once for each wire."""
    quick, slow, unnamed = Ear(wire), Ear(wire), Ear(wire)
    slow.slow = True
    for ear in (quick, slow, unnamed):
        live(room, ear)
    room.whisper(b"typing", [quick, slow])
    assert (quick.heard, slow.heard, unnamed.heard) == (["typing"], [], [])
    assert wire.made == 1


def test_watching_is_said_anew_at_each_entry(room: Room, ear: Ear) -> None:
    """Who enters again without asking for presence no longer watches; nor does who left."""
    room.enter(ear, watch=True)
    assert room.watchers == {ear}
    room.enter(ear, watch=False)
    assert room.watchers == set()
    room.enter(ear, watch=True)
    room.leave(ear)
    assert room.watchers == set()
