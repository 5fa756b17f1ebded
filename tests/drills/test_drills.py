"""The drills as tests, by the command that runs them: each row of the table, each control.

The short form is `make drill DRILL=--short`, which `.ci/run` does after all tests.
"""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.drills.catalogue import CATALOGUE
from tests.drills.controls import CONTROLS

ROOT = Path(__file__).parents[2]
# Seconds for the whole of one drill: its act, and starting, quiescing, reading and checking.
DEADLINE = 240


async def run(folder: Path, *arguments: str) -> str:
    """Run drills in a process of their own, where asyncio's debug mode does not slow the rig."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.drills.run", "--folder", str(folder), *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.mark.drill
@pytest.mark.timeout(DEADLINE)
@pytest.mark.parametrize("seed", ["1", "2", "3"])
@pytest.mark.parametrize("fault", sorted(CATALOGUE))
async def test_drill(tmp_path: Path, fault: str, seed: str) -> None:
    """A fault that is proved to happen breaks no promise, whatever the seed."""
    assert "1/1 passed" in await run(tmp_path, "--fault", fault, "--seed", seed)


@pytest.mark.drill
@pytest.mark.timeout(DEADLINE)
@pytest.mark.parametrize("how", sorted(CONTROLS))
async def test_control(tmp_path: Path, how: str) -> None:
    """A server that breaks a promise is caught by the anomaly that it must show."""
    assert "1/1 caught" in await run(tmp_path, "--control", how, "--seed", "1")


@pytest.mark.parametrize("number", range(1, 24))
def test_each_row_has_a_drill(number: int) -> None:
    """No row of the table of faults, F01 to F23, is without a drill of its name."""
    assert CATALOGUE[f"F{number:02}"].fault == f"F{number:02}"
