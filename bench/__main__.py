"""Installs the peers, runs the workloads and writes the report: `python -m bench --help`."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys

from bench.install import build_programs, install
from bench.peers import all_peers, chosen_peers
from bench.report import report
from bench.results import Series
from bench.table import table
from bench.topology import topology
from bench.workloads import WORKLOADS
from bench.workloads.interleave import interleaved
from bench.workloads.workload import Options


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="compile the generator, install the peers")
    commands.add_parser("report", help="write docs/benchmarks.md from what was measured last")
    for name, workload in WORKLOADS.items():
        told = (workload.__doc__ or "").replace("%", "%%")  # argparse fills in what % names
        run = commands.add_parser(name, help=told)
        run.add_argument(
            "--peers",
            help="comma-separated, the first is the reference; not saved for the report",
        )
        run.add_argument("--runs", type=int, default=5)
        run.add_argument("--seconds", type=float, default=Options.seconds)
        if name == "fanout":
            run.add_argument("--subscribers", type=_numbers, default=Options.subscribers)
            run.add_argument("--in-flight", type=_numbers, default=Options.in_flight)
        if name == "idle":
            run.add_argument("--connections", type=_numbers, default=Options.connections)
    return parser.parse_args()


def _options(arguments: argparse.Namespace) -> Options:
    given = {name: getattr(arguments, name, None) for name in Options.__dataclass_fields__}
    return Options(**{name: value for name, value in given.items() if value is not None})


def _run(arguments: argparse.Namespace) -> None:
    build_programs()
    workload = WORKLOADS[arguments.command](_options(arguments))
    peers = chosen_peers(arguments.peers or ",".join(workload.peers))
    series = Series(workload.name, "python -m bench " + shlex.join(sys.argv[1:]), [])
    with topology() as redis:
        for sample in interleaved(workload, peers, arguments.runs, redis):
            series.samples.append(sample)
            if not arguments.peers:
                series.save()
    print(table(workload, series, {peer.name: peer.title for peer in all_peers().values()}))


def main() -> None:
    """Runs the chosen command."""
    arguments = _arguments()
    if arguments.command == "install":
        install()
    elif arguments.command == "report":
        report()
    else:
        _run(arguments)


with contextlib.suppress(KeyboardInterrupt):
    main()
