"""The checker is checked: legal histories pass, mutants are caught by name, doubts are said."""

from functools import cache
from random import Random
from time import process_time
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chat.text import sanitise
from tests.drills.checker.check import INVARIANTS, Verdict, check
from tests.drills.history import (
    Entry,
    Invoke,
    LogRead,
    Ok,
    Page,
    Record,
)
from tests.drills.legal import legal
from tests.drills.mutants.edit import NotHereError
from tests.drills.mutants.table import MUTANTS, Mutant
from tests.drills.samples import SEEDS, mutated, usual
from tests.drills.world.stage import Shape

LARGE_EVENTS: Final = 500_000
CHECK_S: Final = 20  # of processor time; 3.2 s were measured on a machine of 2026
GROWTH: Final = 2.5  # of the time an event takes, in four times as many; square would be 4

shapes = st.builds(
    Shape,
    rooms=st.integers(1, 3),
    publishers=st.integers(1, 6),
    devices=st.integers(0, 6),
    messages=st.integers(0, 12),
    readers=st.integers(0, 2),
    faults=st.lists(st.booleans(), max_size=3).map(tuple),
    replay_limit=st.sampled_from((1, 8, 1000)),
    restless=st.sampled_from((0.0, 0.02, 0.1, 0.3)),
)


@cache
def large(messages: int) -> list[Record]:
    shape = Shape(
        rooms=4,
        publishers=20,
        devices=100,
        messages=messages,
        replay_limit=10**9,
        restless=0.0001,
    )
    return legal(1, shape)


@settings(deadline=None)  # a machine under load is no error of the checker
@given(st.integers(0, 2**32), shapes)
def test_a_legal_history_never_fails(seed: int, shape: Shape) -> None:
    """No random legal history has an anomaly, whatever was lost, retried, reset or reordered."""
    report = check(legal(seed, shape))
    assert report.anomalies == []
    assert set(report.doubts) <= {"nothing was acknowledged"}


@pytest.mark.parametrize("loses", [False, True])
def test_a_proved_legal_history_passes(*, loses: bool) -> None:
    """A legal history whose fault is proved and whose window is busy is a PASS, no less."""
    assert {check(usual(seed, loses=loses)).verdict for seed in range(SEEDS)} == {Verdict.PASS}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.mutate.__name__)
def test_each_mutant_is_caught_under_its_own_name(mutant: Mutant) -> None:
    """A mutated history FAILs by the name of its breach, and by no name that it doesn't imply."""
    applied = 0
    for seed in range(SEEDS):
        try:
            history = mutant.mutate(usual(seed, loses=mutant.loses), Random(seed))
        except NotHereError:
            continue
        applied += 1
        report = check(history)
        assert report.verdict is Verdict.FAIL
        assert mutant.caught_as in report.names
        assert report.names <= mutant.implies | {mutant.caught_as}
    assert applied >= SEEDS // 4


@settings(deadline=None)  # a machine under load is no error of the checker
@given(st.integers(0, 2**32), st.sampled_from(MUTANTS))
def test_no_seed_hides_a_mutant(seed: int, mutant: Mutant) -> None:
    """Whichever legal history is mutated, and wherever, its breach is found."""
    try:
        history = mutant.mutate(usual(seed, loses=mutant.loses), Random(seed))
    except NotHereError:
        return
    assert mutant.caught_as in check(history).names


def test_each_invariant_has_a_mutant() -> None:
    """No invariant of the checker is without a history that only it was made to catch."""
    assert {mutant.caught_as for mutant in MUTANTS} == set(INVARIANTS)


def test_evidence_is_in_the_history() -> None:
    """The lines of each anomaly are lines of the history, and few."""
    for mutant in MUTANTS:
        history = mutated(mutant.mutate.__name__)
        for anomaly in check(history).anomalies:
            assert 0 < len(anomaly.lines) <= 3
            assert all(1 <= line <= len(history) for line in anomaly.lines)


def test_a_needless_epoch_excuses_nothing() -> None:
    """Without a fault that may lose history, what the old epoch acked and showed must be there."""
    assert {"lost", "phantom"} <= check(mutated("lose_without_cause")).names


def test_texts_are_compared_as_the_server_keeps_them() -> None:
    """Who knows what the server removes finds the sent text in the log; who doesn't, garbage."""
    history: list[Record] = [
        replace(it, text=f"{it.text}\N{ZERO WIDTH SPACE}") if isinstance(it, Invoke) else it
        for it in usual(0, loses=False)
    ]
    assert check(history, sanitise).verdict is Verdict.PASS
    assert check(history).names == {"garbage_read"}


def test_equal_times_order_nothing() -> None:
    """A read begun in the very nanosecond of an ack may miss the message, a later one not."""
    page = Page(began=1, room="r", epoch="k", head=0, limit=1, entries=())
    history: list[Record] = [
        replace(page, t=2),
        Invoke(t=3, room="r", user="u", cid="c", text="x"),
        Ok(t=4, attempt=3, seq=1),
        replace(page, t=6, began=4),
        replace(page, t=7, began=5),
        LogRead(t=8, source="master", room="r", epoch="k", entries=(Entry(1, "u", "c", "x"),)),
    ]
    assert [(it.name, it.lines) for it in check(history).anomalies] == [("stale_read", (3, 5))]


@pytest.mark.timeout(300)  # the bound is on processor time; others may take the machine
def test_half_a_million_events_take_seconds() -> None:
    """500,000 events are checked within the bound, and an event costs hardly more than in fewer."""
    small, big = large(250), large(1000)
    assert len(big) >= LARGE_EVENTS
    few, many = min(cost(small), cost(small)), cost(big)
    assert many < CHECK_S
    assert many / len(big) < GROWTH * few / len(small)


def cost(history: list[Record]) -> float:
    """Check a legal history; return the seconds of processor time that it took."""
    began = process_time()
    assert check(history).verdict is Verdict.PASS
    return process_time() - began
