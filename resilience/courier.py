"""Errands on the master that need no ack rule: signals, presence, leases, questions."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from chat.errors import Unavailable
from resilience.generation import Generation
from resilience.holding import MARGIN
from resilience.link import Command, Link, LinkLost, Reply, ReplyError
from resilience.promises import Promises
from resilience.quorum import ANSWER_S
from resilience.succession import Succession
from resilience.verdicts import AGAIN_S, Verdict, code, judge

WAITING: Final = 10_000  # beyond that signals are dropped, and questions refused
BATCH: Final = 512  # commands of one round trip
REST_S: Final = 0.3  # at most, while all that waits is refused for now
PART: Final = 200  # commands of one errand out of many, which must be answered in time


class _Errand:
    __slots__ = ("commands", "future")

    def __init__(
        self, commands: Sequence[Command], future: asyncio.Future[list[Reply]] | None
    ) -> None:
        self.commands = commands
        self.future = future


class Courier:
    """Carries commands in order, several errands in one round trip, over all generations."""

    def __init__(self, succession: Succession, hold_s: float) -> None:
        self._succession = succession
        self._promises: Promises[list[Reply]] = Promises(hold_s * (1 - MARGIN))
        self._queue: deque[_Errand] = deque()
        self._wake = asyncio.Event()
        self._link: Link | None = None
        self._rest_s = AGAIN_S
        self.dropped = 0

    def tell(self, command: Command) -> None:
        """Carry a command at most once; dropped when there is no master to carry it to."""
        if self._link is None or len(self._queue) >= WAITING:
            self.dropped += 1
            return
        self._queue.append(_Errand((command,), None))
        self._wake.set()

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """Return the replies, one for each command; errors that pass are waited out.

        The commands must bear being carried out twice. `Unavailable` after the hold time.
        """
        self._let_go()
        if len(self._queue) >= WAITING:
            raise Unavailable("too much is on its way")
        future = self._promises.new()
        self._queue.append(_Errand(commands, future))
        self._wake.set()
        return await future

    async def ask_in_parts(self, commands: Sequence[Command]) -> None:
        """Carry out any number of commands of which no reply is wanted; else as `ask`."""
        for start in range(0, len(commands), PART):
            await self.ask(commands[start : start + PART])

    def _let_go(self) -> None:
        """Drop what was given up, the oldest first; without a master that are signals too."""
        queue = self._queue
        while queue and _is_over(queue[0], alone=self._link is None):
            queue.popleft()

    async def run(self) -> None:
        """Serve one generation after the other until cancelled."""
        while True:
            generation = await self._succession.reigning()
            try:
                await self._serve(generation)
            except LinkLost as lost:
                generation.end(f"courier: {lost}")
            finally:
                self._link = None

    async def _serve(self, generation: Generation) -> None:
        link = self._link = await generation.open()
        while True:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
            generation.require()
            await self._carry(link)

    async def _carry(self, link: Link) -> None:
        errands = self._take()
        commands = [command for errand in errands for command in errand.commands]
        try:
            replies = await link.pipeline(commands, ANSWER_S) if commands else []
            start = 0
            for errand in errands:
                end = start + len(errand.commands)
                self._hand_over(errand, replies[start:end])
                start = end
        finally:
            left = [e for e in errands if e.future is not None and not e.future.done()]
            self._queue.extendleft(reversed(left))
        if len(left) < len(errands):
            self._rest_s = AGAIN_S
        if left:
            await asyncio.sleep(self._rest_s)
            self._rest_s = min(2 * self._rest_s, REST_S)

    def _take(self) -> list[_Errand]:
        errands: list[_Errand] = []
        room = BATCH
        while self._queue and room > 0:
            errand = self._queue.popleft()
            if errand.future is None or not errand.future.done():
                errands.append(errand)
                room -= len(errand.commands)
        return errands

    def _hand_over(self, errand: _Errand, replies: list[Reply]) -> None:
        if errand.future is None or errand.future.done():
            return
        errors = [reply for reply in replies if isinstance(reply, ReplyError)]
        if any(judge(error) is Verdict.FENCED for error in errors):
            raise LinkLost(code(errors[0]))
        if not any(judge(error) is Verdict.AGAIN for error in errors):
            errand.future.set_result(replies)


def _is_over(errand: _Errand, *, alone: bool) -> bool:
    return alone if errand.future is None else errand.future.done()
