"""How long processes were ready to run and did not: what a busy machine adds to every time."""

import asyncio
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

_PERIOD: Final = 0.25  # seconds
_KEPT: Final = 1200  # samples, five minutes


def delay(pid: int) -> float:
    """Return the seconds for which a process' first thread waited for a processor so far.

    The second figure of /proc/<pid>/schedstat (kernel.org, "Scheduler Statistics"); 0 where the
    process has ended or the kernel does not count.
    """
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class Starvation:
    """Samples of each process' wait; `since` answers how much the worst of them had to wait."""

    def __init__(self, pids: Callable[[], Iterable[int | None]]) -> None:
        self._pids = pids
        self._samples: deque[tuple[float, dict[int, float]]] = deque(maxlen=_KEPT)
        self.sample()

    def sample(self) -> dict[int, float]:
        """Look now."""
        found = {pid: delay(pid) for pid in {os.getpid(), *filter(None, self._pids())}}
        self._samples.append((time.monotonic(), found))
        return found

    def since(self, moment: float) -> float:
        """Return the longest that one process waited since a moment, in seconds."""
        now = self.sample()
        before: dict[int, float] = {}
        for at, found in self._samples:
            if at > moment:
                break
            before = found
        return max((waited - before.get(pid, 0.0) for pid, waited in now.items()), default=0.0)


@asynccontextmanager
async def sampling(starvation: Starvation) -> AsyncIterator[None]:
    """Sample inside the block."""

    async def work() -> None:
        while True:
            await asyncio.sleep(_PERIOD)
            starvation.sample()

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
