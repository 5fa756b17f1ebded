"""Run schedules: `python -m tests.simulation --seeds 0-9999`, or one of them with `--trace`."""

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

from tests.simulation.broken import VARIANTS, broken
from tests.simulation.faults import KINDS
from tests.simulation.run import Outcome, simulate

_MINUTE_S: Final = 60.0


def main() -> int:
    """Return 0 if all passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", default="0-999", metavar="FROM-TO", help="which schedules")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="show its whole history")
    parser.add_argument("--broken", choices=sorted(VARIANTS), help="break the server so")
    parser.add_argument("--fault", action="append", default=[], choices=sorted(KINDS))
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    if options.seed is not None:
        seeds = range(options.seed, options.seed + 1)
    counts: Counter[str] = Counter()
    failed: list[int] = []
    began = time.process_time()
    for seed in seeds:
        with broken(options.broken):
            outcome = simulate(seed, options.fault)
        counts[outcome.verdict] += 1
        if outcome.verdict != "PASS":
            failed.append(seed)
        if options.trace:
            _trace(outcome)
        elif outcome.verdict != "PASS":
            _tell(outcome)
    _sum_up(counts, failed, time.process_time() - began)
    return bool(failed)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _trace(outcome: Outcome) -> None:
    sys.stdout.buffer.write(outcome.lines())
    sys.stdout.flush()
    _tell(outcome)


def _tell(outcome: Outcome) -> None:
    _say(f"{outcome.seed} {outcome.verdict} after {outcome.virtual_s:.1f} s of {outcome.faults}")
    findings = [*outcome.report.anomalies, *outcome.report.doubts, *map(repr, outcome.mistakes)]
    for finding in findings[:5]:
        _say(f"    {finding}")


def _sum_up(counts: Counter[str], failed: list[int], seconds: float) -> None:
    rate = counts.total() / seconds * _MINUTE_S
    verdicts = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    _say(f"{counts.total()} schedules, {rate:.0f} a minute of processor time: {verdicts}")
    if failed:
        _say(f"not passed: {' '.join(map(str, failed))}")


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is a part of a schedule
        root = Path(__file__).resolve().parents[2]
        command = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.chdir(root)
        os.execve(sys.executable, command, os.environ | {"PYTHONHASHSEED": "0"})
    sys.exit(main())
