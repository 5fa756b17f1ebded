"""Every command that the pages name says what it does and which options it takes."""

import subprocess
import sys

import pytest

COMMANDS = (
    "bench",
    "bench.ack_price",
    "bench.trace_price",
    "deploy.local",
    "server",
    "tests.drills.run",
    "tests.server.bystanders",
    "tests.simulation",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str) -> None:
    """Asked for help a command gives it, and does nothing else."""
    asked = [sys.executable, "-m", command, "--help"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")
