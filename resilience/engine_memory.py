"""The memory engine: every contract kept by one process alone, for development and tests."""

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from chat.engine import (
    Counted,
    Engine,
    Listener,
    Phase,
    Statistics,
    Storage,
    counts_nothing,
)
from chat.errors import Refusal
from chat.histogram import LATENCIES, Histogram
from chat.log import MessageLog
from chat.presence import Connections, Presence, Signals
from resilience.connections_memory import MemoryConnections
from resilience.log_memory import MemoryLog
from resilience.options import EngineOptions
from resilience.presence_memory import MemoryPresence
from resilience.signals_memory import MemorySignals

_NS_PER_MS: Final = 1_000_000
_EPOCH_BYTES: Final = 9  # 72 random bits: no two processes ever share an epoch


def wall_ms() -> int:
    """Return the wall clock's epoch milliseconds."""
    return time.time_ns() // _NS_PER_MS


class MemoryEngine:
    """The `Engine` whose storage is this process: always up, empty after a restart."""

    def __init__(
        self,
        listener: Listener,
        options: EngineOptions,
        *,
        clock: Callable[[], float],
        wall: Callable[[], int],
    ) -> None:
        epoch = secrets.token_urlsafe(_EPOCH_BYTES)
        self.node = options.node
        self.counted: Counted = counts_nothing
        self.storage = Storage(Phase.UP, "in this process's memory", since=wall())
        self._log = MemoryLog(listener, options, epoch=epoch, clock=clock, wall=wall)
        self._presence = MemoryPresence(listener)
        self._connections = MemoryConnections(listener)
        self.log: MessageLog = self._log
        self.presence: Presence = self._presence
        self.connections: Connections = self._connections
        self.signals: Signals = MemorySignals(listener, self._log.followed)

    def statistics(self) -> Statistics:
        """Return what has been counted; a process that is its own storage holds nothing."""
        return Statistics(batches=self._log.batches, blackouts=Histogram(LATENCIES))

    async def fail_over(self) -> None:
        """Refuse: there is nothing to fail over to."""
        raise Refusal("unsupported", "one process has no failover")

    async def cluster(self) -> dict[str, Any]:
        """Describe this process; there is nothing else."""
        return {
            "engine": "memory",
            "node": self.node,
            "storage": {
                "phase": self.storage.phase.value,
                "reason": self.storage.reason,
                "since": self.storage.since,
            },
            "nodes": {self.node: {"connections": len(self._connections), **self.counted()}},
            "log": self._log.statistics(),
        }

    def close(self) -> None:
        """Settle every append that is pending, and tell nothing more."""
        self._log.close()
        self._presence.close()


@asynccontextmanager
async def open_memory(
    listener: Listener,
    options: EngineOptions,
    *,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], int] = wall_ms,
) -> AsyncIterator[Engine]:
    """Open the memory engine; `clock` gives monotonic seconds, `wall` epoch milliseconds."""
    engine = MemoryEngine(listener, options, clock=clock, wall=wall)
    try:
        yield engine
    finally:
        engine.close()
