"""After a doubtful adoption: every node says what it knows, before anything is appended."""

import asyncio
import logging
from typing import Final

from chat.errors import Unavailable
from resilience.continuity import Continuity
from resilience.generation import Generation
from resilience.known import Known
from resilience.reader import BATCH, Question, Reader
from resilience.succession import Succession

_log: Final = logging.getLogger("holdfast.recheck")


class Recheck:
    """Looks at the head of every room that this node knows when nobody can tell what was lost.

    The guard in history.lua then renews the epoch of each that has less than is known, while
    the lanes of all nodes still wait (GRACE_S of succession.py). They don't wait for ever, so the
    rooms with the latest news come first: only those can have lost any.
    """

    def __init__(self, succession: Succession, reader: Reader, known: Known) -> None:
        self._succession = succession
        self._reader = reader
        self._known = known

    async def run(self) -> None:
        """Do so for each generation, until cancelled."""
        while True:
            generation = await self._succession.reigning()
            if generation.continuity is not Continuity.CONTINUED:
                await self._look_at_all(generation)
            await generation.ended()

    async def _look_at_all(self, generation: Generation) -> None:
        rooms = list(self._known)
        if rooms:
            _log.warning("histories_doubted", extra={"rooms": len(rooms)})
        for start in range(0, len(rooms), BATCH):
            if generation.over:  # what the next one doubts comes in its own order
                return
            looks = [self._look(room) for room in rooms[start : start + BATCH]]
            await asyncio.gather(*looks)

    async def _look(self, room: str) -> None:
        try:
            await self._reader.page(Question(room, "head"))
        except Unavailable:
            return  # the guard is also in each append
