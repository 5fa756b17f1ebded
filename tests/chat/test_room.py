"""A room: who is live, who catches up, and what each tick hands to whom."""

from collections.abc import Sequence

import pytest

from chat import room as rooms
from chat.log import Event, Position
from chat.room import Room, Tally
from tests.chat.world import Wire


class Ear:
    """An outlet that keeps what it is given."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.heard: list[str] = []
        self.slow = False

    def offer(self, chunk: bytes) -> None:
        self.heard.extend(chunk.decode().split())

    def offer_lossy(self, chunk: bytes) -> None:
        if not self.slow:
            self.offer(chunk)

    def resync(self, room: str) -> None:
        raise AssertionError("a room returns who is astray; the hub tells them")


def events(epoch: str, seqs: Sequence[int]) -> list[Event]:
    return [Event(seq, f"{epoch}/{seq}".encode()) for seq in seqs]


def commit(room: Room, epoch: str, first: int, last: int) -> None:
    room.commit(Position(epoch, last), events(epoch, range(first, last + 1)))


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def ear(wire: Wire) -> Ear:
    return Ear(wire)


@pytest.fixture
def room() -> Room:
    """A room whose stream stands at 5 in e1."""
    room = Room("den", Tally(lambda: 0))
    room.position = Position("e1", 5)
    return room


def live(room: Room, ear: Ear) -> None:
    room.enter(ear, watch=False)
    assert room.position is not None
    assert room.settle(ear, room.position)


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
