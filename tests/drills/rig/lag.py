"""How late the event loops of the servers wake, beside how late the rig's own one does."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.drills.rig.pages import UNANSWERED

if TYPE_CHECKING:
    from tests.drills.rig.stage import Stage

_PERIOD: Final = 0.1  # seconds


@dataclass
class Lags:
    """The worst lag of any server and of the rig, in seconds."""

    servers: float = 0.0
    machine: float = 0.0

    @property
    def beyond(self) -> float:
        """What of the servers' lag the machine does not explain."""
        return max(0.0, self.servers - self.machine)


@asynccontextmanager
async def watching(stage: "Stage") -> AsyncIterator[Lags]:
    """Watch all loops inside the block."""
    lags = Lags()
    work = asyncio.create_task(_watch(stage, lags))
    try:
        yield lags
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def _watch(stage: "Stage", lags: Lags) -> None:
    while True:
        due = time.monotonic() + _PERIOD
        await asyncio.sleep(_PERIOD)
        lags.machine = max(lags.machine, time.monotonic() - due)
        for chat in stage.cluster.chats:
            try:
                checks = (await stage.ask(chat, "/health/ready"))["checks"]
            except UNANSWERED:
                continue
            lags.servers = max(lags.servers, (checks["loop_lag_ms"] or 0) / 1000)
