"""The checker: whether a recorded history keeps every promise that the drills are about.

It is pure and takes O(n log n) time. It searches for breaches of the invariants below, each proved
by a few lines of the history, so a FAIL needs no trust in the rig; PASS does, so anything that the
rig owed and didn't show makes the verdict UNKNOWN. The semantics stand where they are decided: what
a line means in `history`, epochs and lost history in `room`, each invariant in its own docstring.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.drills.checker.acks import inconsistent_ack, lost
from tests.drills.checker.doubts import doubts
from tests.drills.checker.epochs import needless_epoch, needless_reset, silent_epoch
from tests.drills.checker.evidence import Invariant
from tests.drills.checker.index import index
from tests.drills.checker.logs import duplicate, hole, unequal_final
from tests.drills.checker.order import realtime_order, stale_read
from tests.drills.checker.sessions import nonmonotonic, outside_session, skipped, unseen
from tests.drills.checker.shown import aborted_read, garbage_read, incompatible_order, phantom
from tests.drills.history import Record

INVARIANTS: Final[dict[str, Invariant]] = {
    invariant.__name__: invariant
    for invariant in (
        lost,
        inconsistent_ack,
        duplicate,
        hole,
        unequal_final,
        incompatible_order,
        phantom,
        aborted_read,
        garbage_read,
        nonmonotonic,
        skipped,
        outside_session,
        unseen,
        realtime_order,
        stale_read,
        needless_epoch,
        silent_epoch,
        needless_reset,
    )
}


class Verdict(StrEnum):
    PASS = "PASS"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A breach of one invariant in one room; `lines` of the history (from 1) prove it."""

    name: str
    room: str
    said: str
    lines: tuple[int, ...]

    def __str__(self) -> str:
        where = ", ".join(map(str, self.lines))
        return f"{self.name} in {self.room}: {self.said} (lines {where})"


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found; an anomaly outweighs every doubt."""

    anomalies: list[Anomaly]
    doubts: list[str]

    @property
    def verdict(self) -> Verdict:
        if self.anomalies:
            return Verdict.FAIL
        return Verdict.UNKNOWN if self.doubts else Verdict.PASS

    @property
    def names(self) -> set[str]:
        return {anomaly.name for anomaly in self.anomalies}


def check(history: Sequence[Record], sanitise: Callable[[str], str] = str) -> Report:
    """Judge a history; `sanitise` is what the server does to a text before it is stored."""
    run = index(history, sanitise)
    anomalies = [
        Anomaly(name, room.name, *evidence)
        for room in run.rooms.values()
        for name, invariant in INVARIANTS.items()
        for evidence in invariant(room)
    ]
    return Report(anomalies, list(doubts(run)))
