"""A write lane: group commit. One batch is in flight on one link, the next fills meanwhile."""

import asyncio
import logging
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

from chat.histogram import SIZES, Histogram
from chat.log import Answer, Draft, Receipt
from chat.tracing import Commit
from resilience import channel, keys
from resilience.append import Appended, Appending
from resilience.complaints import Complaints
from resilience.elsewhere import Elsewhere, Hearing
from resilience.generation import Generation
from resilience.holding import Held, Holding
from resilience.known import Known
from resilience.link import Command, Link, Reply, ReplyError
from resilience.quorum import ANSWER_S, Quorum
from resilience.refusals import judge_here, weigh
from resilience.replies import Garbled
from resilience.scripts import APPEND
from resilience.succession import Succession
from resilience.tracing import traced
from resilience.verdicts import MISTAKE_S, Verdict, code, is_mistake, pause

_log: Final = logging.getLogger("holdfast.lane")


class OnCommitted(Protocol):
    """Who is told at once what other nodes are told with the next round trip."""

    def __call__(self, room: str, news: channel.News, *, more: bool) -> None:
        """`more` of the room waits to be committed with that one."""
        ...


class Lane:
    """Appends the drafts of its rooms in order, over all generations.

    Room by room one script call is all or nothing, and a room's next call is made only after
    the one before is committed: so the order is kept through every retry.
    """

    def __init__(
        self,
        succession: Succession,
        appending: Appending,
        holding: Holding,
        known: Known,
        on_committed: OnCommitted,
        hearing: Hearing,
        batch: int,
        name: str,
    ) -> None:
        """`on_committed` is told at once what other nodes are told with the next round trip."""
        self._name = name
        self._on_committed = on_committed
        self._hearing = hearing
        self.holding = holding
        self.errors: Counter[str] = Counter()
        self._complaints = Complaints()
        self.committed = 0
        self.batches = Histogram(SIZES)  # messages committed by one round trip
        self._succession = succession
        self._appending = appending
        self._known = known
        self._batch = batch
        self._publishes: list[Command] = []
        self.idle = True
        self._rested = asyncio.Event()

    def submit(self, draft: Draft, answer: Answer) -> None:
        """Join the batch that is filling."""
        if self.holding.add(draft, answer):  # refused at once, it wakes nobody
            self.idle = False

    async def drained(self, deadline: float) -> None:
        """Return when everything is answered and published, or at the deadline."""
        try:
            async with asyncio.timeout_at(deadline):
                while not self.idle:
                    self._rested.clear()
                    await self._rested.wait()
        except TimeoutError:
            return

    async def run(self) -> None:
        """Serve one generation after the other until cancelled."""
        await self._succession.serve("lane", self._serve)

    async def _serve(self, generation: Generation) -> None:
        link = await generation.open()
        await link.pipeline([APPEND.load], ANSWER_S)
        await generation.opened()
        quorum = Quorum(generation, self._succession.watch, self._name)
        while True:
            if not self._publishes and not len(self.holding):
                self._rest(generation)
                self.holding.wake.clear()
                await self.holding.wake.wait()
                await asyncio.sleep(0)  # what comes in the same moment goes along
            generation.require()
            await self._exchange(link, quorum)

    def _rest(self, generation: Generation) -> None:
        """Where nothing waits nothing is stalled."""
        if not self.holding.rests:
            generation.flow(self._name)
            self.idle = True
            self._rested.set()

    async def _exchange(self, link: Link, quorum: Quorum) -> None:
        """One round trip: the last batch's publishes, and the next batch."""
        batch = self.holding.take(self._batch)
        try:
            with traced(batch, quorum.generation.address) as trace:
                seconds = await self._send(link, quorum, batch, trace)
        finally:
            self.holding.put_back(batch)  # what has been answered meanwhile stays out
        if seconds:
            await asyncio.sleep(seconds)

    async def _send(
        self, link: Link, quorum: Quorum, batch: Sequence[Held], trace: Commit | None
    ) -> float:
        """Send, commit, answer; return how long to wait before the rest is sent again."""
        rooms: dict[str, list[Held]] = {}
        for held in batch:
            rooms.setdefault(held.draft.room, []).append(held)
        publishes = list(self._publishes)
        calls = [self._call(room, helds, quorum) for room, helds in rooms.items()]
        elsewhere = Elsewhere(self._hearing, list(rooms))
        questions = [elsewhere.question, *quorum.questions()] if calls else []
        replies = await link.pipeline([*publishes, *calls, *questions], ANSWER_S)
        del self._publishes[: len(publishes)]
        self._check_published(replies[: len(publishes)])
        if not calls:
            return 0.0
        end = len(publishes) + len(calls)
        done, failed = self._sort(rooms, replies[len(publishes) : end])
        if done:
            quorum.generation.commit(await quorum.commit(link, replies[end + 1 :]))
        if trace is not None:
            trace.end(next(map(code, failed.values()), None))
        if done:
            self._check_published(replies[end : end + 1])
            self._tell(rooms, done, elsewhere.rooms(replies[end]))
        return await self._consider(link, quorum.generation, failed)

    def _call(self, room: str, helds: Sequence[Held], quorum: Quorum) -> Command:
        drafts = [held.draft for held in helds]
        known = self._known.get(room)
        for held in helds:
            if held.tries == 1:
                held.past = known.seq
        return self._appending.call(room, drafts, known, quorum.generation.mark)

    def _sort(
        self, rooms: dict[str, list[Held]], replies: Sequence[Reply]
    ) -> tuple[dict[str, Appended], dict[str, ReplyError]]:
        done: dict[str, Appended] = {}
        failed: dict[str, ReplyError] = {}
        for (room, helds), reply in zip(rooms.items(), replies, strict=True):
            if isinstance(reply, ReplyError):
                failed[room] = reply
                _uncount(helds, reply)
                continue
            try:
                done[room] = self._appending.read(reply, len(helds))
            except Garbled as garbled:
                failed[room] = ReplyError(f"GARBLED {garbled}")
        return done, failed

    def _tell(
        self, rooms: dict[str, list[Held]], done: dict[str, Appended], elsewhere: Container[str]
    ) -> None:
        """Answer all, then tell the news: so a publisher's ack and event leave in one write."""
        told = [(room, self._commit(room, rooms[room], done[room])) for room in done]
        waiting = self.holding.rooms(self._batch)
        for room, news in told:
            if news is None:
                continue
            if room in elsewhere:
                self._publish(room, news)
            self._on_committed(room, news, more=room in waiting)
        self._count(sum(len(rooms[room]) for room in done))

    def _commit(
        self, room: str, helds: Sequence[Held], appended: Appended
    ) -> channel.Committed | channel.Head | None:
        """The room's call is committed: answer, and return what is news of it."""
        fresh: list[bytes] = []
        traces: dict[int, str] = {}
        first = nudge = 0
        head = 0  # the highest place given, now or before
        for held, outcome in zip(helds, appended.outcomes, strict=True):
            answer = outcome
            if isinstance(outcome, Receipt):
                if outcome.seq > head:  # noqa: PLR1730 - a call of max() is dearer than all of this
                    head = outcome.seq
                if not outcome.dup:
                    first = first or outcome.seq
                    fresh.append(held.draft.payload(outcome.seq, outcome.ts))
                    if held.draft.trace is not None:
                        traces[outcome.seq] = held.draft.trace.traceparent
                # Our own first try, whose reply was lost; a retry of one that waits too comes
                # behind it, at no new place.
                elif held.tries > 1 and outcome.seq > max(held.past, nudge):
                    nudge = outcome.seq
                    answer = Receipt(outcome.seq, outcome.ts)
            self.holding.answer(held, answer)
        if head:
            self._known.note(room, appended.epoch, head)
        if fresh:
            return channel.Committed(appended.epoch, first, fresh, traces)
        return channel.Head(appended.epoch, nudge) if nudge else None

    def _publish(self, room: str, news: channel.News) -> None:
        """Tell the other nodes with the next round trip."""
        self._publishes.append(("PUBLISH", keys.channel(room), channel.encode(news)))
        self.holding.wake.set()

    def _check_published(self, replies: Sequence[Reply]) -> None:
        """What could not be published is found by the feeds' look at the heads.

        And where it isn't told who hears, all is published.
        """
        for reply in replies:
            if isinstance(reply, ReplyError):
                self.errors[f"publish {code(reply)}"] += 1

    async def _consider(
        self, link: Link, generation: Generation, failed: Mapping[str, ReplyError]
    ) -> float:
        """Return how long all rooms wait before what failed is sent again."""
        if not failed:
            return 0.0
        mistakes = {room for room, error in failed.items() if is_mistake(error)}
        for room in mistakes:
            self._judge(generation, failed[room])
            self.holding.rest(room, MISTAKE_S)
        others = [error for room, error in failed.items() if room not in mistakes]
        return pause(await weigh(link, APPEND, others, partial(self._judge, generation)))

    def _judge(self, generation: Generation, error: ReplyError) -> Verdict:
        """Note an error and what it means; `LinkLost` if this is no master any more."""
        self.errors[code(error)] += 1
        verdict = judge_here(error)
        if verdict is not Verdict.BROKEN:  # which says nothing of the others
            generation.stall(self._name, code(error))
        if is_mistake(error) and self._complaints.is_due(code(error)):
            _log.error("append_refused", extra={"code": code(error)})
        return verdict

    def _count(self, messages: int) -> None:
        self.committed += messages
        self.batches.record(messages)


def _uncount(helds: Sequence[Held], error: ReplyError) -> None:
    """Take a try back that Redis refused; a mistake may also have stopped the script midway."""
    if not is_mistake(error):
        for held in helds:
            held.tries -= 1
