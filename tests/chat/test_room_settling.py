"""The way into a room: what was shown of the log and what the stream brings meet without a seam."""

import pytest

from chat import room as rooms
from chat.log import Position
from chat.room import Room
from tests.chat.ears import Ear
from tests.chat.rooms import commit, live


def test_nothing_is_heard_before_settling(room: Room, ear: Ear) -> None:
    """Who is catching up is sent nothing of the stream, and on settling exactly what is above."""
    room.enter(ear, watch=False)
    commit(room, "e1", 6, 9)
    room.flush()
    assert ear.heard == []
    assert room.settle(ear, Position("e1", 7))
    assert ear.heard == ["e1/8", "e1/9"]


def test_pending_events_reach_a_newcomer_once(room: Room, ear: Ear) -> None:
    """What this tick gathered goes out before the newcomer is live, who has it from its buffer."""
    other = Ear(ear.wire)
    live(room, other)
    room.enter(ear, watch=False)
    commit(room, "e1", 6, 7)
    assert room.settle(ear, Position("e1", 5))
    room.flush()
    assert other.heard == ear.heard == ["e1/6", "e1/7"]


def test_the_log_may_be_read_ahead_of_the_stream(room: Room, ear: Ear) -> None:
    """Who was shown more than the stream has brought hears nothing until it brings what follows."""
    room.enter(ear, watch=False)
    assert room.settle(ear, Position("e1", 8))
    commit(room, "e1", 6, 7)
    room.flush()
    assert ear.heard == []
    commit(room, "e1", 8, 10)
    room.flush()
    assert ear.heard == ["e1/9", "e1/10"]


def test_a_long_way_of_the_stream_behind_the_log_loses_nothing(
    room: Room, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One who waits for the stream misses no event, however much it brings, at once or before."""
    monkeypatch.setattr(rooms, "BUFFERED", 4)
    room.enter(ear, watch=False)
    assert room.settle(ear, Position("e1", 20))
    commit(room, "e1", 6, 18)
    commit(room, "e1", 19, 30)
    assert ear.heard == [f"e1/{seq}" for seq in range(21, 31)]


@pytest.mark.parametrize(("shown", "joins"), [(5, False), (7, False), (8, True), (9, True)])
def test_the_buffer_is_bounded(
    room: Room, ear: Ear, monkeypatch: pytest.MonkeyPatch, shown: int, *, joins: bool
) -> None:
    """A buffer keeps the newest events; who needs one that it let go must read again."""
    monkeypatch.setattr(rooms, "BUFFERED", 4)
    room.enter(ear, watch=False)
    commit(room, "e1", 6, 9)
    commit(room, "e1", 10, 12)
    assert len(room.catching[ear].buffer) == 4
    assert room.settle(ear, Position("e1", shown)) is joins
    assert ear.heard == [f"e1/{seq}" for seq in range(shown + 1, 13) if joins]


def test_reading_again_starts_over(room: Room, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who could not settle is still catching up, and settles from what it is shown next."""
    monkeypatch.setattr(rooms, "BUFFERED", 2)
    room.enter(ear, watch=False)
    commit(room, "e1", 6, 12)
    assert not room.settle(ear, Position("e1", 5))
    commit(room, "e1", 13, 13)
    assert room.settle(ear, Position("e1", 12))
    assert ear.heard == ["e1/13"]


def test_reading_ahead_after_a_lost_history_ends(room: Room, ear: Ear) -> None:
    """Who was shown a third epoch while the second began reads again once, and then waits."""
    room.enter(ear, watch=False)
    room.restart(Position("e2", 0))
    assert not room.settle(ear, Position("e3", 4))
    assert room.settle(ear, Position("e3", 4))
    assert room.restart(Position("e3", 4)) == []
    assert list(room.live) == [ear]


def test_entering_again_starts_over(room: Room, ear: Ear) -> None:
    """One who is live and enters again gets the rest of the tick first, then nothing till shown."""
    live(room, ear)
    commit(room, "e1", 6, 6)
    room.enter(ear, watch=False)
    commit(room, "e1", 7, 7)
    room.flush()
    assert ear.heard == ["e1/6"]
    assert room.settle(ear, Position("e1", 7))
    commit(room, "e1", 8, 8)
    room.flush()
    assert ear.heard == ["e1/6", "e1/8"]


def test_a_lost_history_sends_the_live_back(room: Room, ear: Ear) -> None:
    """On a new history the live get the rest of the old one, and must come back in."""
    live(room, ear)
    commit(room, "e1", 6, 6)
    assert room.restart(Position("e2", 0)) == [ear]
    commit(room, "e2", 1, 1)
    room.flush()
    assert ear.heard == ["e1/6"]
    assert list(room.catching) == [ear]


@pytest.mark.parametrize(
    ("shown", "joins", "heard"),
    [
        (Position("e1", 6), False, []),
        (Position("e2", 1), False, []),
        (Position("e2", 2), True, ["e2/3"]),
        (Position("e2", 3), True, []),
        (Position("e2", 4), True, []),
        (Position("e3", 1), False, []),
    ],
)
def test_a_history_lost_while_reading(
    room: Room, ear: Ear, shown: Position, *, joins: bool, heard: list[str]
) -> None:
    """What was read joins a stream that began anew at 2 only in its epoch, and from 2 on."""
    room.enter(ear, watch=False)
    commit(room, "e1", 6, 9)
    assert room.restart(Position("e2", 2)) == []
    commit(room, "e2", 3, 3)
    assert room.settle(ear, shown) is joins
    assert ear.heard == heard


@pytest.mark.parametrize(
    ("shown", "astray", "heard"),
    [
        (Position("e2", 1), True, []),
        (Position("e2", 2), False, ["e2/3", "e2/4"]),
        (Position("e2", 3), False, ["e2/4"]),
        (Position("e3", 9), True, []),
        (Position("e1", 9), True, []),
    ],
)
def test_a_history_lost_while_waiting(
    room: Room, ear: Ear, shown: Position, *, astray: bool, heard: list[str]
) -> None:
    """Who waits with a picture of the new history goes on in it, unless the stream begins above."""
    room.enter(ear, watch=False)
    assert room.settle(ear, shown)
    assert room.restart(Position("e2", 2)) == ([ear] if astray else [])
    commit(room, "e2", 3, 3)
    commit(room, "e2", 4, 4)
    room.flush()
    assert ear.heard == heard
