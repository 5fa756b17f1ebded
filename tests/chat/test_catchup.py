"""Catching up: each outcome of a join, for every place of the client and every state of the log."""

from collections.abc import Coroutine
from itertools import product
from typing import Any

import pytest

from chat import catchup
from chat.catchup import Stretch, catch_up, reset_reason
from chat.commands import Join
from chat.log import Page, Position
from tests.chat.world import ROOM, FakeLog


class Reading:
    """A catch-up in steps: `go` carries it on until it has read so often, or to its end."""

    def __init__(self, log: FakeLog, join: Join) -> None:
        self.stretches: list[Stretch] = []
        self._work: Coroutine[Any, None, None] | None = self._collect(log, join)

    async def _collect(self, log: FakeLog, join: Join) -> None:
        async for stretch in catch_up(log, join):
            self.stretches.append(stretch)

    def go(self, reads: int = 1000) -> list[Stretch]:
        for _ in range(2 * reads):  # a read waits twice: before it looks, and before it answers
            if self._work is not None:
                try:
                    self._work.send(None)
                except StopIteration:
                    self._work = None
        return self.stretches


def seqs(stretch: Stretch) -> list[int]:
    return [event.seq for event in stretch.events]


def log_of(head: int, tail: int = 1) -> FakeLog:
    log = FakeLog()
    log.history.head, log.history.tail = head, tail
    return log


def only(log: FakeLog, **join: Any) -> Stretch:
    stretches = Reading(log, Join(room=ROOM, **join)).go()
    assert len(stretches) == 1
    return stretches[0]


@pytest.mark.parametrize("history", [0, 1, 5, 50, 100])
@pytest.mark.parametrize(("head", "tail"), [(0, 1), (3, 1), (200, 1), (200, 190), (200, 201)])
def test_without_since_the_last_events(history: int, head: int, tail: int) -> None:
    """A join without `since` shows the last events that are kept, at most so many."""
    stretch = only(log_of(head, tail), history=history)
    assert seqs(stretch) == list(range(max(tail, head - history + 1), head + 1))
    assert (stretch.more, stretch.reset) == (False, None)
    assert stretch.end == Position("e1", head)
    assert (stretch.page.tail, stretch.page.head) == (tail, head)


def test_up_to_date_is_nothing() -> None:
    """At the head of the log nothing is missed; nor is it when all that came before is trimmed."""
    for log in (log_of(7), log_of(7, tail=8)):
        stretch = only(log, since=7, epoch="e1")
        assert (seqs(stretch), stretch.reset, stretch.more) == ([], None, False)
        assert stretch.end == Position("e1", 7)


@pytest.mark.parametrize(
    ("since", "epoch", "head", "tail", "reset"),
    [
        (0, "e1", 0, 1, None),
        (0, "e1", 1000, 1, None),
        (0, "e1", 1001, 1, "too_far"),
        (500, "e1", 1500, 501, None),
        (499, "e1", 1499, 501, "trimmed"),
        (499, "e1", 9999, 501, "trimmed"),
        (1501, "e1", 1500, 1, "ahead"),
        (1500, "e1", 1500, 1501, None),
        (1499, "e1", 1500, 1501, "trimmed"),
        (1500, "e0", 1500, 1, "epoch"),
        (9999, "e0", 1500, 1, "epoch"),
        (0, "e0", 0, 1, "epoch"),
        (1500, None, 1500, 1, None),
        (1501, None, 1500, 1, "ahead"),
        (1, None, 1500, 900, "trimmed"),
    ],
)
def test_outcomes_of_a_join(
    since: int, epoch: str | None, head: int, tail: int, reset: str | None
) -> None:
    """Each row of the protocol's table, at its bounds: the reason, and what is shown with it."""
    log = log_of(head, tail)
    assert reset_reason(since, epoch, Page("e1", tail, head, ())) == reset
    stretches = Reading(log, Join(room=ROOM, since=since, epoch=epoch)).go()
    assert [s.reset for s in stretches] == ([reset] if reset else [None] * len(stretches))
    shown = [seq for stretch in stretches for seq in seqs(stretch)]
    first = max(tail, head - 49) if reset else since + 1
    assert shown == list(range(first, head + 1))
    assert stretches[-1].end == Position("e1", head)


def test_every_small_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """For all small logs and places: the missed ones exactly, or a reset with the last ones."""
    monkeypatch.setattr(catchup, "PAGE_EVENTS", 2)
    monkeypatch.setattr(catchup, "REPLAY", 5)
    monkeypatch.setattr(catchup, "RESET_EVENTS", 3)
    for head, tail, since in product(range(9), range(1, 10), range(11)):
        if tail > head + 1:
            continue
        stretches = Reading(log_of(head, tail), Join(room=ROOM, since=since, epoch="e1")).go()
        missed = tail - 1 <= since <= head and head - since <= 5
        first = since + 1 if missed else max(tail, head - 2)
        assert [seq for s in stretches for seq in seqs(s)] == list(range(first, head + 1))
        assert [bool(s.reset) for s in stretches] == [not missed] * len(stretches)
        assert [s.more for s in stretches] == [True] * (len(stretches) - 1) + [False]
        assert all(0 < len(seqs(s)) <= 2 for s in stretches if missed and s.more)


def test_pages_end_where_they_end() -> None:
    """A long catch-up comes in pages of 100; each ends at its last event, the last at the head."""
    stretches = Reading(log_of(250), Join(room=ROOM, since=0, epoch="e1")).go()
    assert [(len(s.events), s.more, s.end.seq) for s in stretches] == [
        (100, True, 100),
        (100, True, 200),
        (50, False, 250),
    ]


def test_a_log_that_grows_is_not_chased() -> None:
    """What is said after the first look is left to the stream, however fast the room is."""
    log = log_of(250)
    reading = Reading(log, Join(room=ROOM, since=0, epoch="e1"))
    for _ in range(100):
        reading.go(1)
        log.history.head += 100
    assert [seqs(s)[-1] for s in reading.stretches] == [100, 200, 300]
    last = reading.stretches[-1]
    assert (last.more, last.end) == (False, Position("e1", 300))
    assert last.page.head == 300


def test_a_log_trimmed_under_the_reader_is_said() -> None:
    """When the next page is trimmed away the client is reset, and not shown a hole."""
    log = log_of(250)
    reading = Reading(log, Join(room=ROOM, since=0, epoch="e1"))
    reading.go(1)
    log.history.tail = 102
    last = reading.go()[-1]
    assert (last.reset, seqs(last)) == ("trimmed", list(range(201, 251)))


def test_a_log_trimmed_up_to_the_reader_is_not_said() -> None:
    """Trimming exactly what was shown already harms nobody."""
    log = log_of(250)
    reading = Reading(log, Join(room=ROOM, since=0, epoch="e1"))
    reading.go(1)
    log.history.tail = 101
    assert [s.reset for s in reading.go()] == [None, None, None]


def test_a_history_lost_under_the_reader_is_said() -> None:
    """When the next page is of another history the client is reset to that one."""
    log = log_of(250)
    reading = Reading(log, Join(room=ROOM, since=0, epoch="e1"))
    reading.go(1)
    log.history.epoch, log.history.head = "e2", 300
    last = reading.go()[-1]
    assert (last.reset, last.end) == ("epoch", Position("e2", 300))
    assert seqs(last) == list(range(251, 301))


def test_large_events_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is cut where it is too large, whatever the join was; one too large is alone."""
    monkeypatch.setattr(catchup, "PAGE_BYTES", 11)  # two events of `e1/8`, or one of `e1/10`
    monkeypatch.setattr(catchup, "REPLAY", 12)
    for join in ({"since": 7, "epoch": "e1"}, {"history": 5}, {"since": 1, "epoch": "e0"}):
        stretches = Reading(log_of(12, 8), Join(room=ROOM, **join)).go()
        assert [seqs(s) for s in stretches] == [[8, 9], [10, 11], [12]]
        assert [s.more for s in stretches] == [True, True, False]
        assert [bool(s.reset) for s in stretches] == ["e0" in join.values(), False, False]
        assert [s.end.seq for s in stretches] == [9, 11, 12]
    monkeypatch.setattr(catchup, "PAGE_BYTES", 1)
    assert [seqs(s) for s in Reading(log_of(2), Join(room=ROOM)).go()] == [[1], [2]]
