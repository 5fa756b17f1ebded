"""UNKNOWN: what the rig owes and doesn't show is said, and never passes."""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import pytest
from msgspec.structs import replace

from tests.drills.checker.check import Verdict, check
from tests.drills.history import Fail, Fault, Info, Joined, LogRead, Ok, Page, Plan, Record
from tests.drills.mutants.edit import appended
from tests.drills.samples import mutated, usual

Spoil: TypeAlias = Callable[[list[Record]], Iterable[Record]]


def drop(history: list[Record], is_dropped: Callable[[Record], bool]) -> list[Record]:
    return [record for record in history if not is_dropped(record)]


def with_plan(history: list[Record], **changes: object) -> list[Record]:
    return [replace(it, **changes) if isinstance(it, Plan) else it for it in history]


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


def test_an_anomaly_outweighs_a_doubt() -> None:
    """A breach is a FAIL though nothing of the fault was proved."""
    report = check(drop(mutated("drop"), lambda it: isinstance(it, Fault)))
    assert report.doubts
    assert report.verdict is Verdict.FAIL
