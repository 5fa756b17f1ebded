"""A child process: ready when it says so, dead when it is killed, and back in the same place."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from deploy.local.process import DiedError, Process
from deploy.local.reaper import Reaper

COUNTING = (
    "import time; print('up', flush=True)\nwhile True: print('.', flush=True); time.sleep(.01)"
)
GENTLE = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
    "print('up', flush=True); time.sleep(60)"
)
FAILING = "raise SystemExit('the disk is full')"

Spawn = Callable[[str], Process]


@pytest.fixture
async def spawn(tmp_path: Path) -> AsyncIterator[Spawn]:
    """Make processes that run a line of Python; all of them are gone at the end."""
    reaper = Reaper(None)
    made: list[Process] = []

    def make(program: str) -> Process:
        command = [sys.executable, "-c", program]
        made.append(Process(f"p{len(made)}", command, directory=tmp_path, group=reaper.group))
        return made[-1]

    yield make
    await reaper.close()
    for process in made:
        await process.ended(5)


async def up(process: Process) -> None:
    async def said() -> bool:
        return "up" in process.last_lines()

    await process.ready(said, 10)


async def grows(process: Process, deadline: float) -> bool:
    """Say whether the process writes anything within `deadline` seconds."""
    size = process.log.stat().st_size

    async def more() -> bool:
        return process.log.stat().st_size > size

    try:
        await process.ready(more, deadline)
    except TimeoutError:
        return False
    return True


async def test_a_killed_process_has_ended_and_can_be_started_again(spawn: Spawn) -> None:
    """After `kill` it does not run and its status is that of the signal; `start` makes it run."""
    process = spawn(COUNTING)
    process.start()
    await up(process)
    first = process.pid
    await process.kill()
    assert (process.running, process.pid, process.exit_status) == (False, None, -9)
    process.start()
    assert process.running
    assert process.pid != first


async def test_a_frozen_process_is_silent_until_it_is_thawed(spawn: Spawn) -> None:
    """Between `freeze` and `thaw` it runs and does nothing; afterwards it goes on."""
    process = spawn(COUNTING)
    process.start()
    await up(process)
    process.freeze()
    assert not await grows(process, 0.3)
    assert process.running
    process.thaw()
    assert await grows(process, 5)


async def test_a_frozen_process_can_be_killed(spawn: Spawn) -> None:
    """`kill` ends a process that is frozen."""
    process = spawn(COUNTING)
    process.start()
    process.freeze()
    await process.kill()
    assert not process.running


async def test_terminate_gives_the_exit_status(spawn: Spawn) -> None:
    """`terminate` asks by SIGTERM and returns the status with which the process answers."""
    process = spawn(GENTLE)
    process.start()
    await up(process)
    assert await process.terminate(5) == 7


async def test_a_process_that_dies_is_not_waited_for(spawn: Spawn) -> None:
    """`ready` fails as soon as the process has ended, with the end of its log."""
    process = spawn(FAILING)
    process.start()

    async def never() -> bool:
        return False

    with pytest.raises(DiedError, match="the disk is full"):
        await process.ready(never, 30)


async def test_ready_has_a_deadline(spawn: Spawn) -> None:
    """A process that runs and never gets ready raises TimeoutError, by name."""
    process = spawn(COUNTING)
    process.start()

    async def never() -> bool:
        return False

    with pytest.raises(TimeoutError, match="p0 is ready"):
        await process.ready(never, 0.1)


async def test_a_running_process_is_not_started_twice(spawn: Spawn) -> None:
    """`start` refuses while the process runs, so that none is ever lost from sight."""
    process = spawn(COUNTING)
    process.start()
    with pytest.raises(RuntimeError, match="is running"):
        process.start()
