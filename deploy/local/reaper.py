"""Nothing stays behind: when the process that started a cluster is gone, so are its processes.

Run as a program it is that watch: `reaper.py [DIRECTORY]` prints the number of a process group,
waits until its standard input ends, kills the group and removes the directory. The pipe ends
when its only holder closes it or dies, by SIGKILL too, so both ways take the same road.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Final, cast

# Seconds. Killing takes some milliseconds; removing, as long as the disk does.
_DEADLINE: Final = 10.0
_INTERVAL: Final = 0.01


class Reaper:
    """A process group whose members do not outlive this process, nor their directory."""

    def __init__(self, directory: Path | None) -> None:
        """Start the watch; the directory is removed at the end, None removes nothing."""
        self._watch = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, *([str(directory)] if directory else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl-C in a terminal is for the starter alone
        )
        self._leash = cast("IO[bytes]", self._watch.stdin)
        with cast("IO[bytes]", self._watch.stdout) as answer:
            self.group = int(answer.readline())

    async def close(self) -> None:
        """Kill the group, remove the directory; TimeoutError if that takes over 10 s."""
        self._leash.close()
        end = time.monotonic() + _DEADLINE
        while self._watch.poll() is None:
            if time.monotonic() > end:
                raise TimeoutError("the processes or the directory of a cluster did not go")
            await asyncio.sleep(_INTERVAL)


def main(directory: Path | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    group = anchor()
    print(group, flush=True)
    sys.stdin.buffer.read()
    os.killpg(group, signal.SIGKILL)
    os.waitpid(group, 0)
    if directory:
        remove(directory)


def anchor() -> int:
    """Fork a process that does nothing but keep its group alive, and its number taken."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        while True:
            signal.pause()
    os.setpgid(child, child)  # whichever of the two comes first
    return child


def remove(directory: Path) -> None:
    """Remove what dying processes may still be writing to."""
    end = time.monotonic() + _DEADLINE
    while directory.exists() and time.monotonic() < end:
        shutil.rmtree(directory, ignore_errors=True)
        time.sleep(_INTERVAL)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
