"""`python -m deploy.local`: run a deployment on this machine, or have it fail over."""

import argparse
import asyncio
import signal
import sys

from deploy.local.demo import order, run
from deploy.local.failover import KINDS

INTERRUPTED = 128 + signal.SIGINT  # as a shell says it


def main() -> int:
    """Carry out the command; 0 when all went well."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("ha", help="run Redis, sentinels and chat servers until Ctrl-C")
    failing = commands.add_parser("failover", help="break the master of what is running")
    failing.add_argument("--kind", choices=KINDS, default="kill")
    options = parser.parse_args()
    command = order(options.kind) if options.command == "failover" else run()
    try:
        return asyncio.run(command)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
