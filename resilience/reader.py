"""Reading the log safely: nothing is shown that the ack rule does not cover yet."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from chat.errors import Unavailable
from chat.log import Page
from resilience import keys
from resilience.complaints import Complaints
from resilience.generation import Generation
from resilience.holding import MARGIN
from resilience.known import Known
from resilience.link import Command, Link, Reply, ReplyError
from resilience.promises import Promises
from resilience.quorum import ANSWER_S, Quorum
from resilience.records import Records
from resilience.refusals import judge_here, weigh
from resilience.replies import Garbled
from resilience.scripts import READ
from resilience.succession import Succession
from resilience.verdicts import MISTAKE_S, Verdict, code, is_mistake, judge, pause

_log: Final = logging.getLogger("holdfast.reader")

Commands = Callable[[int], Sequence[Command]]  # from the number of the last break

BATCH: Final = 128  # reads that share one barrier
EVENTS: Final = 5_000  # they may bring, of up to 16 KB each: what a link carries within ANSWER_S
WAITING: Final = 20_000  # beyond that a join is refused at once rather than late


class Question(msgspec.Struct, frozen=True):
    """Which stretch of a room: `which` is after, before, last or head."""

    room: str
    which: str
    bound: int = 0
    limit: int = 0


class _Asked:
    __slots__ = ("commands", "events", "future", "mistaken", "tolerant")

    def __init__(
        self,
        commands: Commands,
        future: asyncio.Future[list[Reply]],
        *,
        tolerant: bool,
        events: int,
    ) -> None:
        self.commands = commands
        self.future = future
        self.tolerant = tolerant
        self.events = events
        self.mistaken = False  # it met what only a person can mend

    def bears(self, reply: Reply) -> bool:
        """Tell whether it is answered in spite of what one of its commands met."""
        if not isinstance(reply, ReplyError):
            return True
        if not is_mistake(reply):
            return False
        self.mistaken = not self.tolerant
        return self.tolerant


class Reader:
    """Pipelines of reads and small writes, each closed by a barrier: `[read × n, write, WAIT]`.

    A read may see what is not on the replicas yet; ROLE behind it names an offset that covers all
    that it saw, and the ack rule is asked for that one. The small write only makes WAIT block,
    which has the replicas say at once how far they are rather than within their second.
    """

    def __init__(
        self,
        succession: Succession,
        known: Known,
        records: Records,
        token: Callable[[], str],
        hold_s: float,
    ) -> None:
        self._succession = succession
        self._known = known
        self._records = records
        self._token = token
        self.hold_s = hold_s * (1 - MARGIN)
        self._promises: Promises[list[Reply]] = Promises(self.hold_s)
        self._queue: deque[_Asked] = deque()
        self._wake = asyncio.Event()
        self._resting = 0  # of those that wait, in no queue until they are asked again
        self.reads = 0
        self.errors: Counter[str] = Counter()
        self._complaints = Complaints()

    async def page(self, question: Question) -> Page:
        """Return a safe page; `Unavailable` after the hold time."""

        def command(mark: int) -> Command:
            known = self._known.get(question.room)
            return READ.call(
                (keys.log(question.room), keys.meta(question.room)),
                self._token(),
                known.epoch,
                known.seq,
                mark,
                question.which,
                question.bound,
                question.limit,
            )

        reply = await self.ask(command, events=self._expected(question))
        try:
            return self._page(question, reply)
        except Garbled:
            self._records.skipped += 1
            raise Unavailable("the room's records are not ours") from None

    def _expected(self, question: Question) -> int:
        """Return how many events a page may bring, as far as this node knows the room."""
        known = self._known.get(question.room).seq
        if question.which == "head":
            return 0
        if question.which == "after" and known:
            return min(question.limit, max(0, known - question.bound))
        return question.limit

    async def ask(self, command: Callable[[int], Command], *, events: int = 0) -> Reply:
        """Return the reply to a command once all that it rests on is committed.

        It is built anew for each attempt, from the number of the last break; it must bear
        being carried out twice; it may bring so many events. Raises `Unavailable` after the hold
        time.
        """
        return (await self._ask(lambda mark: [command(mark)], events=events))[0]

    async def ask_each(self, commands: Commands) -> list[Reply]:
        """Return the replies to commands, as `ask`; a mistake in one of them is its reply."""
        return await self._ask(commands, tolerant=True)

    async def _ask(
        self, commands: Commands, *, tolerant: bool = False, events: int = 0
    ) -> list[Reply]:
        while self._queue and self._queue[0].future.done():  # given up in a long outage
            self._queue.popleft()
        if len(self._queue) + self._resting >= WAITING:
            raise Unavailable("too many reads wait")
        asked = _Asked(commands, self._promises.new(), tolerant=tolerant, events=events)
        self._enqueue(asked)
        return await asked.future

    async def run(self) -> None:
        """Serve one generation after the other until cancelled."""
        await self._succession.serve("reader", self._serve)

    async def _serve(self, generation: Generation) -> None:
        link = await generation.open()
        await link.pipeline([READ.load], ANSWER_S)
        quorum = Quorum(generation, self._succession.watch, "reader")
        while True:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
            generation.require()
            batch = self._take()
            try:
                seconds = await self._send(link, quorum, batch)
            finally:
                self._ask_again(batch)
            if seconds:
                await asyncio.sleep(seconds)

    def _ask_again(self, batch: Sequence[_Asked]) -> None:
        """Put what has no answer behind what has not been tried; what met a mistake rests before.

        The others need not wait for it.
        """
        for asked in batch:
            if asked.future.done():
                continue
            if asked.mistaken:
                asked.mistaken = False
                self._resting += 1
                asyncio.get_running_loop().call_later(MISTAKE_S, self._resume, asked)
            else:
                self._queue.append(asked)

    def _resume(self, asked: _Asked) -> None:
        self._resting -= 1
        self._enqueue(asked)

    def _enqueue(self, asked: _Asked) -> None:
        self._queue.append(asked)
        self._wake.set()

    def _take(self) -> list[_Asked]:
        taken: list[_Asked] = []
        events = 0
        while self._queue and len(taken) < BATCH and events < EVENTS:
            asked = self._queue.popleft()
            if not asked.future.done():
                taken.append(asked)
                events += asked.events
        return taken

    async def _send(self, link: Link, quorum: Quorum, batch: Sequence[_Asked]) -> float:
        parts = [asked.commands(quorum.generation.mark) for asked in batch]
        barrier = ("SET", keys.BARRIER, quorum.generation.number)
        commands = [command for part in parts for command in part]
        replies = await link.pipeline([*commands, barrier, *quorum.questions()], ANSWER_S)
        written = replies[len(commands)]
        failed = [r for r in replies[: len(commands)] if isinstance(r, ReplyError)]
        if may_commit(written):
            await quorum.commit(link, replies[len(commands) + 1 :])
            start = 0
            for asked, part in zip(batch, parts, strict=True):
                self._answer(asked, replies[start : start + len(part)])
                start += len(part)
        return await self._consider(link, failed, written)

    def _answer(self, asked: _Asked, answers: list[Reply]) -> None:
        if not asked.future.done() and all(map(asked.bears, answers)):
            self.reads += 1
            asked.future.set_result(answers)

    async def _consider(self, link: Link, failed: Sequence[ReplyError], written: Reply) -> float:
        """Return how long all wait before what failed is asked again."""
        self._note({code(error) for error in failed if is_mistake(error)})
        others = [error for error in failed if not is_mistake(error)]
        if isinstance(written, ReplyError):
            others.append(written)
        return pause(await weigh(link, READ, others, self._judge))

    def _judge(self, error: ReplyError) -> Verdict:
        """Return what an error means that holds all up; of mistakes that is a refused script."""
        verdict = judge_here(error)
        if is_mistake(error):
            self._note({code(error)})
        return verdict

    def _note(self, mistakes: set[str]) -> None:
        """Count, once a round trip, and tell what only a person can mend."""
        for mistake in mistakes:
            self.errors[f"read {mistake}"] += 1
            if self._complaints.is_due(mistake):
                _log.error("read_refused", extra={"code": mistake})

    def _page(self, question: Question, reply: Reply) -> Page:
        match reply:
            case [bytes(epoch), int(head), int(tail), list(entries)]:
                if question.which in {"before", "last"}:
                    entries.reverse()
                found = (self._records.entry(question.room, entry) for entry in entries)
                events = [event for event in found if event is not None and event.seq <= head]
                page = Page(epoch.decode(errors="replace"), tail, head, events)
                self._known.note(question.room, page.epoch, head)
                return page
        raise Garbled("read")


def may_commit(written: Reply) -> bool:
    """Tell whether the ack rule can still be asked: a full master refuses writes, and is read."""
    return not isinstance(written, ReplyError) or judge(written) is Verdict.AGAIN
