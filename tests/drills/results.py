"""Results kept, a JSON line a drill, and the table that a page shows of them.

`python -m tests.drills.results docs/guarantees/drills.jsonl docs/guarantees.md` writes the table
between the marks of the page.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.drills.catalogue import CATALOGUE
from tests.drills.checker.check import Verdict
from tests.drills.rig.perform import Outcome
from tests.drills.verdict import COLUMNS

BEGIN: Final = "<!-- drills: begin -->"
END: Final = "<!-- drills: end -->"
_HEADINGS: Final = (
    "fault",
    "what happens",
    "passed",
    "faults proved",
    "failovers",
    "acknowledged",
    *COLUMNS,
    "unknown, resolved",
    "R s",
    "Q s",
)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one drill with one seed; times in seconds.

    `breaches` counts them by the columns of the drill table; `longest_recovery` is R, the longest
    of the drill, `longest_wait` Q.
    """

    drill: str
    seed: int
    verdict: str
    faults: int
    proved: int
    failovers: int
    acked: int
    breaches: dict[str, int]
    unknown: int
    resolved: int
    longest_recovery: float | None
    longest_wait: float
    sockets: str
    seconds: float

    @property
    def passed(self) -> bool:
        return self.verdict == Verdict.PASS


def result(outcome: Outcome, drill: str, seed: int) -> Result:
    """Keep of an outcome what is worth keeping."""
    row, recovery = outcome.row, outcome.terms.recovery
    return Result(
        drill=drill,
        seed=seed,
        verdict=str(outcome.verdict),
        faults=outcome.faults,
        proved=outcome.proved,
        failovers=outcome.failovers,
        acked=row.acked,
        breaches={column: getattr(row, column) for column in COLUMNS},
        unknown=row.unknown,
        resolved=row.resolved,
        longest_recovery=None if recovery is None else round(recovery, 2),
        longest_wait=round(outcome.longest_wait, 2),
        sockets=outcome.sockets,
        seconds=round(outcome.seconds, 1),
    )


def keep(path: Path, kept: Result) -> None:
    """Add a result to a file."""
    with path.open("ab") as stream:
        stream.write(msgspec.json.encode(kept) + b"\n")


def latest(path: Path) -> list[Result]:
    """Read a file: of each drill and seed the last result counts."""
    found = {}
    for line in path.read_bytes().splitlines():
        one = msgspec.json.decode(line, type=Result)
        found[one.drill, one.seed] = one
    return [found[key] for key in sorted(found)]


def table(results: Iterable[Result]) -> str:
    """Draw one line for each drill, and one for all."""
    by_drill: dict[str, list[Result]] = defaultdict(list)
    for one in results:
        by_drill[one.drill].append(one)
    everything = [one for some in by_drill.values() for one in some]
    lines = [
        _HEADINGS,
        tuple("---" for _ in _HEADINGS),
        *(_line(name, _title(name), some) for name, some in by_drill.items()),
        _line("all", "", everything),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _title(name: str) -> str:
    return CATALOGUE[name].title if name in CATALOGUE else "what a random nemesis does"


def _line(name: str, title: str, some: Sequence[Result]) -> Sequence[str]:
    recoveries = [one.longest_recovery for one in some if one.longest_recovery is not None]
    return (
        name,
        title,
        f"{sum(one.passed for one in some)}/{len(some)}",
        f"{sum(one.proved for one in some)}/{sum(one.faults for one in some)}",
        str(sum(one.failovers for one in some)),
        f"{sum(one.acked for one in some):,}",
        *(str(sum(one.breaches[column] for one in some)) for column in COLUMNS),
        f"{sum(one.unknown for one in some)}, {sum(one.resolved for one in some)}",
        f"{max(recoveries):.2f}" if recoveries and title else "",
        f"{max(one.longest_wait for one in some):.2f}" if title else "",
    )


def written(page: str, drawn: str) -> str:
    """Return the page with the table between its marks; ValueError if it has none."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError("the page has no marks")
    return f"{before}{BEGIN}\n{drawn}\n{END}{after}"


if __name__ == "__main__":
    kept_in, shown_in = map(Path, sys.argv[1:3])
    shown_in.write_text(written(shown_in.read_text("utf-8"), table(latest(kept_in))), "utf-8")
