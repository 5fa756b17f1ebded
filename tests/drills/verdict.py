"""The drill table: one row a history, each breach counted under what a reader fears."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Final

from tests.drills.checker.check import Report, Verdict
from tests.drills.checker.index import index
from tests.drills.checker.parts import Attempt
from tests.drills.history import Info, Ok, Record

# Every invariant of the checker has one column.
COLUMNS: Final = {
    "lost": ("lost",),
    "duplicated": ("duplicate",),
    "reordered": (
        "hole",
        "incompatible_order",
        "inconsistent_ack",
        "nonmonotonic",
        "realtime_order",
        "skipped",
    ),
    "phantom": ("aborted_read", "garbage_read", "phantom"),
    "unseen": ("outside_session", "stale_read", "unequal_final", "unseen"),
    "renamed": ("needless_epoch", "needless_reset", "silent_epoch"),
}
HEADINGS: Final = ("drill", "acked", *COLUMNS, "unknown", "resolved", "verdict")


@dataclass(frozen=True, slots=True)
class Row:
    """Counts of one drill.

    `acked`, `unknown`, `resolved` count messages (room, user, cid): acknowledged; with an attempt
    that ended in `info` or never; and those of the latter that an `ok` resolved. The columns
    between count breaches.
    """

    drill: str
    acked: int
    lost: int
    duplicated: int
    reordered: int
    phantom: int
    unseen: int
    renamed: int
    unknown: int
    resolved: int
    verdict: Verdict


def row(history: Sequence[Record], report: Report) -> Row:
    """Sum a checked history up."""
    run = index(history, str)
    messages = [tries for room in run.rooms.values() for tries in room.attempts.values()]
    unknown = [tries for tries in messages if any(map(_is_unknown, tries))]
    counts = {
        column: sum(anomaly.name in names for anomaly in report.anomalies)
        for column, names in COLUMNS.items()
    }
    return Row(
        drill=run.terms.plan.drill,
        acked=sum(map(_is_acked, messages)),
        **counts,
        unknown=len(unknown),
        resolved=sum(map(_is_acked, unknown)),
        verdict=report.verdict,
    )


def _is_acked(tries: Sequence[Attempt]) -> bool:
    return any(isinstance(attempt.answer, Ok) for attempt in tries)


def _is_unknown(attempt: Attempt) -> bool:
    return attempt.answer is None or isinstance(attempt.answer, Info)


def table(rows: Iterable[Row]) -> str:
    """Draw the rows as a Markdown table."""
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *(map(str, astuple(row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
