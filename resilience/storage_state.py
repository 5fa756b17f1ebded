"""The one state of the storage: its phase, why, and who waits for it to be up."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from chat.engine import Phase, Storage
from chat.errors import Unavailable
from chat.histogram import LATENCIES, Histogram

_log: Final = logging.getLogger("holdfast.storage")

TURNS: Final = 100  # for an administrator to look back on
NEXT: Final[dict[Phase, frozenset[Phase]]] = {
    Phase.STARTING: frozenset({Phase.UP, Phase.STARTING}),
    Phase.UP: frozenset({Phase.UP, Phase.FAILING_OVER}),
    Phase.FAILING_OVER: frozenset({Phase.FAILING_OVER, Phase.UP, Phase.DOWN}),
    Phase.DOWN: frozenset({Phase.DOWN, Phase.UP}),
}


class StorageState:
    """The state machine that health, metrics, notices and logs read.

    `wall` gives epoch milliseconds, for people only; what is decided here is decided by the
    loop's clock.
    """

    def __init__(self, tell: Callable[[Storage], None], wall: Callable[[], int]) -> None:
        self._tell = tell
        self._wall = wall
        self._loop = asyncio.get_running_loop()
        self._up = asyncio.Event()
        self._since = self._loop.time()
        self.storage = Storage(Phase.STARTING, "not reached yet", wall())
        self.reasons: Counter[str] = Counter()
        self.turns: deque[Storage] = deque(maxlen=TURNS)  # the phases before this one
        self.blackouts = Histogram(LATENCIES)
        self.unavailable_s = 0.0

    def turn(self, phase: Phase, reason: str) -> None:
        """Go into a phase; the listener hears of another phase, not of another reason."""
        before = self.storage
        if phase not in NEXT[before.phase]:
            return
        if phase is before.phase:
            self.storage = Storage(phase, reason, before.since)
            return
        now = self._loop.time()
        if phase is Phase.UP:
            self._recovered(now)
        elif before.phase is Phase.UP:
            self._since = now
            self.reasons[reason] += 1
            self._up.clear()
        self.turns.append(before)
        self.storage = Storage(phase, reason, self._wall())
        _log.info("storage_changed", extra={"phase": phase.value, "reason": reason})
        self._tell(self.storage)

    def _recovered(self, now: float) -> None:
        if self.storage.phase is not Phase.STARTING:
            self.unavailable_s += now - self._since
            self.blackouts.record(now - self._since)
        self._up.set()

    @property
    def away_s(self) -> float:
        """For how many seconds it has not been up; 0.0: it is."""
        return 0.0 if self.storage.up else self._loop.time() - self._since

    async def up(self, deadline: float | None) -> None:
        """Return when it is up; `Unavailable` at the deadline of the loop's clock, if any."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._up.wait()
        except TimeoutError:
            raise Unavailable(self.storage.reason) from None
