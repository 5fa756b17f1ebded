"""The ring of one room against the list of everything that was ever in it."""

from hypothesis import given
from hypothesis import strategies as st

from resilience.room_memory import RoomLog
from tests.resilience.recorder import draft

BOUND = st.none() | st.integers(0, 40)


@given(history=st.integers(1, 9), count=st.integers(0, 30), after=BOUND, before=BOUND)
def test_a_ring_reads_like_a_list(
    history: int, count: int, after: int | None, before: int | None
) -> None:
    """However often the ring went round, pages are those of the newest events in a list."""
    room = RoomLog(history)
    for _ in range(count):
        room.add(draft(), wall=0)
    kept = range(1, count + 1)[-history:]
    assert (room.tail, room.head, len(room)) == (max(1, count - history + 1), count, len(kept))
    for limit in range(5):
        above = [seq for seq in kept if seq > (after or 0)][:limit]
        below = [seq for seq in kept if before is None or seq < before]
        assert [event.seq for event in room.read(after or 0, None, limit)] == above
        last = below[max(0, len(below) - limit) :]
        assert [event.seq for event in room.read(None, before, limit)] == last


def test_time_stands_still_when_the_wall_goes_back() -> None:
    """An event is never older than the one before it, whatever the wall clock says."""
    room = RoomLog(3)
    times = []
    for wall in (5, 9, 2, 9, 10):
        room.add(draft(), wall)
        times.append(room.ts)
    assert times == [5, 9, 9, 9, 10]
