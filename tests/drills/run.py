"""Runs drills and prints their table: `python -m tests.drills.run --fault F06 --seed 7`."""

import argparse
import asyncio
import shutil
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from tests.drills.checker.check import Verdict
from tests.drills.rig.drill import Drill
from tests.drills.rig.perform import Outcome, perform
from tests.drills.catalogue import CATALOGUE

SEEDS: Final = (1, 2, 3)
HEADINGS: Final = (
    "fault",
    "proved",
    "acked",
    "lost",
    "duplicated",
    "reordered",
    "phantom",
    "unseen",
    "renamed",
    "unknown resolved",
    "R s",
    "Q s",
    "sockets",
    "verdict",
)
_SHOWN: Final = 8  # anomalies of one drill that are printed


def cells(outcome: Outcome) -> Sequence[str]:
    """Return one line of the table."""
    row, recovery = outcome.row, outcome.terms.recovery
    return (
        row.drill,
        f"{outcome.proved}/{outcome.faults}",
        f"{row.acked:,}",
        *map(str, (row.lost, row.duplicated, row.reordered, row.phantom, row.unseen, row.renamed)),
        f"{row.resolved}/{row.unknown}",
        "" if recovery is None else f"{recovery:.2f}",
        f"{outcome.longest_wait:.2f}",
        outcome.sockets,
        outcome.verdict,
    )


def line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def complaints(outcome: Outcome) -> list[str]:
    """Say what was wrong."""
    anomalies = [str(anomaly) for anomaly in outcome.report.anomalies]
    more = len(anomalies) - _SHOWN
    return [
        *(f"  term broken: {term}" for term in outcome.terms.broken),
        *(f"  {said}" for said in anomalies[:_SHOWN]),
        *([f"  and {more} more anomalies"] if more > 0 else []),
        *(f"  doubt: {said}" for said in outcome.report.doubts),
    ]


def one(drill: Drill, seed: int, folder: Path | None) -> Verdict:
    """Perform a drill, print its line; what failed keeps its folder."""
    place = Path(tempfile.mkdtemp(prefix=f"drill-{drill.name}-{seed}-", dir=folder))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            outcome = runner.run(perform(drill, seed, place))
    except Exception as error:  # noqa: BLE001 - whatever broke the rig, nothing was proved
        traceback.print_exc()
        print(line([f"{drill.name} seed {seed}", repr(error), Verdict.UNKNOWN]), flush=True)
        return Verdict.UNKNOWN
    print(line(cells(outcome)), flush=True)
    for said in complaints(outcome):
        print(said, flush=True)
    if outcome.verdict is Verdict.PASS:
        shutil.rmtree(place)
    else:
        print(f"  its history: {outcome.history}", flush=True)
    return outcome.verdict


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.run", description=__doc__)
    parser.add_argument("--fault", nargs="*", default=[], help="such as F06; all if left out")
    parser.add_argument("--seed", nargs="*", type=int, default=[], help="1 2 3 if left out")
    parser.add_argument("--folder", type=Path, help="where histories of failed drills are kept")
    options = parser.parse_args(arguments)
    unknown = set(options.fault) - set(CATALOGUE)
    if unknown:
        parser.error(
            f"no such drill: {', '.join(sorted(unknown))}; there are {', '.join(CATALOGUE)}"
        )
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 0 if everything passed."""
    options = parse(arguments)
    print(line(HEADINGS))
    print(line(["---"] * len(HEADINGS)), flush=True)
    verdicts = [
        one(CATALOGUE[name], seed, options.folder)
        for name in options.fault or CATALOGUE
        for seed in options.seed or SEEDS
    ]
    passed = sum(verdict is Verdict.PASS for verdict in verdicts)
    print(f"\n{passed}/{len(verdicts)} passed")
    return 0 if passed == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
