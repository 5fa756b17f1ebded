"""The checker is checked: legal histories pass, mutants are caught by name, doubts are said."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from random import Random
from time import process_time
from typing import Final, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chat.text import sanitise
from tests.drills.checker.check import INVARIANTS, Verdict, check
from tests.drills.history import Fail, Fault, Info, Invoke, Joined, LogRead, Ok, Page, Plan, Record
from tests.drills.legal import legal
from tests.drills.mutants.edit import NotHereError, appended
from tests.drills.mutants.table import MUTANTS, Mutant
from tests.drills.world.stage import Shape

SEEDS: Final = 12
LARGE_EVENTS: Final = 500_000
CHECK_S: Final = 20  # of processor time; 3.2 s were measured on a machine of 2026
GROWTH: Final = 2.5  # of the time an event takes, in four times as many; square would be 4

Spoil: TypeAlias = Callable[[list[Record]], Iterable[Record]]

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
def usual(seed: int, *, loses: bool) -> list[Record]:
    return legal(seed, Shape(messages=6, faults=(loses,), restless=0.1))


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


def drop(history: list[Record], is_dropped: Callable[[Record], bool]) -> list[Record]:
    return [record for record in history if not is_dropped(record)]


def mutated(name: str) -> list[Record]:
    """Mutate the first history that offers what this mutant needs."""
    mutant = next(it for it in MUTANTS if it.mutate.__name__ == name)
    for seed in range(SEEDS):
        with suppress(NotHereError):
            return mutant.mutate(usual(seed, loses=mutant.loses), Random(seed))
    raise NotHereError


def with_plan(history: list[Record], **changes: object) -> list[Record]:
    return [replace(it, **changes) if isinstance(it, Plan) else it for it in history]


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


def is_step(record: Record, step: str) -> bool:
    return isinstance(record, Fault) and record.step == step


LATE_FAULT: Final = (
    Fault(name="F99", step="start"),
    Fault(name="F99", step="proved"),
    Fault(name="F99", step="end"),
)
DOUBTS: Final[dict[str, Spoil]] = {
    "no line that says proved": lambda h: drop(h, lambda it: is_step(it, "proved")),
    "no line that says end": lambda h: drop(h, lambda it: is_step(it, "end")),
    "planned and never started": lambda h: drop(h, lambda it: isinstance(it, Fault)),
    "acks from start to end": lambda h: with_plan(h, acks_per_fault=10**6),
    "was not read from replica-2": lambda h: drop(
        h, lambda it: isinstance(it, LogRead) and it.source == "replica-2"
    ),
    "was not read": lambda h: drop(
        with_plan(h, sources=()), lambda it: isinstance(it, LogRead) and it.room == "room-0"
    ),
    "the history has no plan": lambda h: drop(h, lambda it: isinstance(it, Plan)),
    "nothing was acknowledged": lambda h: [
        Info(t=it.t, attempt=it.attempt, code="timeout") if isinstance(it, Ok) else it for it in h
    ],
    "answers no open attempt": lambda h: appended(h, Info(attempt=1, code="timeout")),
    "answers no open": lambda h: appended(h, next(replace(it) for it in h if isinstance(it, Info))),
    "F99 #0 saw 0 acks": lambda h: appended(h, *LATE_FAULT),
    "the clock did not advance": lambda h: [replace(h[0], t=h[1].t), *h[1:]],
    "can't heal here": lambda h: drop(h, lambda it: is_step(it, "start")),
}


@pytest.mark.parametrize("said", DOUBTS)
def test_what_proves_nothing_is_unknown(said: str) -> None:
    """A history that keeps every promise is UNKNOWN where the rig owes a proof, and says which."""
    report = check(list(DOUBTS[said](usual(3, loses=False))))
    assert report.verdict is Verdict.UNKNOWN
    assert any(said in doubt for doubt in report.doubts)


def test_a_recording_that_ends_too_soon_is_unknown() -> None:
    """A device that lacks the end of the log is no FAIL before its settling time is over."""
    history = mutated("never_show_last")
    assert check(history).names == {"unseen"}
    hurried = check(with_plan(history, settle_ns=history[-1].t))
    assert hurried.verdict is Verdict.UNKNOWN
    assert any("the recording ended" in doubt for doubt in hurried.doubts)


def test_the_settling_time_counts_from_the_last_fault() -> None:
    """A device needs not have seen everything before the last fault, too, is over for so long."""
    history = mutated("never_show_last")
    quiet = max(it.t for it in history if isinstance(it, Ok | Fail | Info | Fault | Joined))
    allowed = with_plan(history, settle_ns=history[-1].t - quiet)
    assert check(allowed).names == {"unseen"}
    assert check(appended(allowed, *LATE_FAULT)).names == set()


def test_an_unseen_epoch_is_unknown() -> None:
    """Only where history may be lost, it is a doubt that a room's epoch was seen too late."""
    doubts = [
        check([it for it in usual(3, loses=loses) if not isinstance(it, Page)]).doubts
        for loses in (False, True)
    ]
    assert doubts[0] == []
    assert any("before its epoch was seen" in doubt for doubt in doubts[1])


def test_a_needless_epoch_excuses_nothing() -> None:
    """Without a fault that may lose history, what the old epoch acked and showed must be there."""
    assert {"lost", "phantom"} <= check(mutated("lose_without_cause")).names


def test_an_anomaly_outweighs_a_doubt() -> None:
    """A breach is a FAIL though nothing of the fault was proved."""
    report = check(drop(mutated("drop"), lambda it: isinstance(it, Fault)))
    assert report.doubts
    assert report.verdict is Verdict.FAIL


def test_texts_are_compared_as_the_server_keeps_them() -> None:
    """Who knows what the server removes finds the sent text in the log; who doesn't, garbage."""
    history: list[Record] = [
        replace(it, text=f"{it.text}\N{ZERO WIDTH SPACE}") if isinstance(it, Invoke) else it
        for it in usual(0, loses=False)
    ]
    assert check(history, sanitise).verdict is Verdict.PASS
    assert check(history).names == {"garbage_read"}


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
