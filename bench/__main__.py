"""Installs the peers, runs the workloads and writes the report: `python -m bench --help`."""

from __future__ import annotations

import argparse
import shlex
import sys

from bench.install import build_programs, install
from bench.peers import chosen_peers
from bench.results import Series
from bench.table import markdown, ratio, value
from bench.workloads.fanout import fanout


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="compile the generator, install the peers")
    run = commands.add_parser("fanout", help="CPU per delivered message in one room")
    run.add_argument("--peers", default="holdfast-memory,plain-memory")
    run.add_argument("--subscribers", type=_numbers, default=[200])
    run.add_argument("--in-flight", type=_numbers, default=[8])
    run.add_argument("--runs", type=int, default=5)
    run.add_argument("--seconds", type=float, default=2.0)
    return parser.parse_args()


def _fanout(arguments: argparse.Namespace) -> None:
    build_programs()
    peers = chosen_peers(arguments.peers)
    samples = fanout(
        peers, arguments.runs, arguments.subscribers, arguments.in_flight, arguments.seconds
    )
    command = "python -m bench " + shlex.join(sys.argv[1:])
    series = Series("fanout", command, samples)
    series.save()
    print(_fanout_table(series, peers[0].name, arguments))


def _fanout_table(series: Series, reference: str, arguments: argparse.Namespace) -> str:
    head = ["peer", "subscribers", "in flight", "server CPU µs per delivery", "× " + reference]
    head += ["deliveries/s", "generator's share"]
    rows = []
    for peer in series.peers():
        for many in arguments.subscribers:
            for k in arguments.in_flight:
                at = {"subscribers": many, "in_flight": k}
                row = [peer, str(many), str(k), value(series, peer, "cpu_us", ".2f", **at)]
                row.append(ratio(series, peer, reference, "cpu_us", **at))
                row.append(value(series, peer, "delivered_per_s", ",.0f", **at))
                row.append(value(series, peer, "generator_share", ".0%", **at))
                rows.append(row)
    return markdown(head, rows)


def main() -> None:
    """Runs the chosen command."""
    arguments = _arguments()
    if arguments.command == "install":
        install()
    else:
        _fanout(arguments)


main()
