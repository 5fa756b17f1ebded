"""Runs drills and prints their table: `python -m tests.drills.run --fault F06 --seed 7`."""

# ruff: noqa: T201 - its output is what it is for

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from tests.drills.catalogue import CATALOGUE
from tests.drills.checker.check import Verdict
from tests.drills.controls import CONTROLS
from tests.drills.results import keep, result
from tests.drills.rig.drill import Drill
from tests.drills.rig.perform import Outcome, perform
from tests.drills.scenes.nemesis import nemesis

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
    "s",
    "verdict",
)
_SHOWN: Final = 8  # anomalies of one drill that are printed
# What every change must pass, in under four minutes: a master that hangs and comes back, a planned
# failover, a partition, replicas, memory and disk, scripts, the feed, a dead server; and that a
# server without the ack rule is still caught.
SHORT: Final = ("F02", "F03", "F06", "F07", "F14", "F16", "F17", "F18")
SHORT_CONTROL: Final = "no-replica-ack"
_PATIENCE: Final = 2.0  # how often each bound in seconds, where a machine is not known to be quiet


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
        f"{outcome.seconds:.0f}",
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


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def staged_run(drill: Drill, seed: int, options: argparse.Namespace) -> tuple[Outcome | None, Path]:
    """Perform a drill in a folder of its own; None if the rig broke."""
    place = Path(tempfile.mkdtemp(prefix=f"drill-{drill.name}-{seed}-", dir=options.folder))
    performance = perform(drill, seed, place, say, patience=options.patience)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(performance), place
    except Exception as error:  # noqa: BLE001 - whatever broke the rig, nothing was proved
        traceback.print_exc()
        print(line([f"{drill.name} seed {seed}", repr(error), Verdict.UNKNOWN]), flush=True)
        return None, place


def one(drill: Drill, seed: int, options: argparse.Namespace) -> Verdict:
    """Perform a drill, print its line; what failed keeps its folder."""
    outcome, place = staged_run(drill, seed, options)
    if outcome is None:
        return Verdict.UNKNOWN
    print(line(cells(outcome)), flush=True)
    if options.results:
        keep(options.results, result(outcome, drill.name, seed))
    for said in complaints(outcome):
        print(said, flush=True)
    if outcome.verdict is Verdict.PASS and not options.keep:
        shutil.rmtree(place)
    else:
        print(f"  its history: {outcome.history}", flush=True)
    return outcome.verdict


def control(name: str, seed: int, options: argparse.Namespace) -> bool:
    """Run a negative control; say whether the anomaly that it must show was found."""
    it = CONTROLS[name]
    outcome, place = staged_run(it.staged, seed, options)
    found = outcome.report.names if outcome else set()
    caught = bool(it.shows & found)
    said = f"caught: {', '.join(sorted(it.shows & found))}" if caught else "NOT CAUGHT"
    acked = f"{outcome.row.acked:,}" if outcome else "0"
    print(line([it.how, it.drill, str(seed), acked, ", ".join(sorted(found)), said]), flush=True)
    if caught and not options.keep:
        shutil.rmtree(place)
    return caught


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.run", description=__doc__)
    parser.add_argument("--fault", nargs="*", default=[], help="such as F06; all if left out")
    parser.add_argument("--seed", nargs="*", type=int, default=[], help="1 2 3 if left out")
    parser.add_argument("--random", type=float, metavar="SECONDS", help="a random nemesis")
    parser.add_argument("--control", nargs="*", help="negative controls; all if none is named")
    parser.add_argument("--keep", action="store_true", help="keep what passed, too")
    parser.add_argument("--folder", type=Path, help="where histories of failed drills are kept")
    parser.add_argument("--results", type=Path, help="a file to add the results to, JSON lines")
    parser.add_argument(
        "--patience", type=float, default=1.0, metavar="TIMES", help="stretches bounds in seconds"
    )
    parser.add_argument("--short", action="store_true", help="what every change must pass")
    options = parser.parse_args(arguments)
    if options.short:
        options.fault, options.seed, options.patience = SHORT, SEEDS[:1], _PATIENCE
    unknown = set(options.fault) - set(CATALOGUE)
    if unknown:
        parser.error(
            f"no such drill: {', '.join(sorted(unknown))}; there are {', '.join(CATALOGUE)}"
        )
    return options


def controls(options: argparse.Namespace) -> int:
    """Run negative controls; 0 if every broken server was caught."""
    headings = ("broken server", "drill", "seed", "acked", "found", "")
    print(line(headings))
    print(line(["---"] * len(headings)), flush=True)
    caught = [
        control(name, seed, options)
        for name in options.control or CONTROLS
        for seed in options.seed or SEEDS[:1]
    ]
    print(f"\n{sum(caught)}/{len(caught)} caught")
    return 0 if all(caught) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 0 if everything passed."""
    options = parse(arguments)
    if options.control is not None:
        return controls(options)
    print(line(HEADINGS))
    print(line(["---"] * len(HEADINGS)), flush=True)
    drills = [CATALOGUE[name] for name in options.fault or CATALOGUE]
    seeds = options.seed or SEEDS
    if options.random is not None:
        drills = [nemesis(options.random)]
        seeds = options.seed or [secrets.randbelow(10**6)]
    verdicts = [one(drill, seed, options) for drill in drills for seed in seeds]
    passed = sum(verdict is Verdict.PASS for verdict in verdicts)
    print(f"\n{passed}/{len(verdicts)} passed")
    caught = not options.short or control(SHORT_CONTROL, SEEDS[0], options)
    return 0 if passed == len(verdicts) and caught else 1


if __name__ == "__main__":
    sys.exit(main())
