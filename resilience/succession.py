"""The succession of masters: find one, adopt it, look after it, end it, find the next."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Final

from chat.engine import Phase
from resilience import keys
from resilience.address import Address
from resilience.adoption import Adoption, NotMaster, raise_mark
from resilience.backoff import persist
from resilience.continuity import Continuity
from resilience.election import Candidate, Election
from resilience.generation import Generation
from resilience.link import Link, LinkLost, Opener, ReplyError
from resilience.options import EngineOptions
from resilience.quorum import ANSWER_S, Quorum, master_role
from resilience.reinstatement import all_follow
from resilience.replies import natural
from resilience.sentinel_watch import SentinelWatch
from resilience.storage_state import StorageState
from resilience.verdicts import AGAIN_S, Verdict, code, judge

_log: Final = logging.getLogger("holdfast.succession")

BEAT_S: Final = 0.25  # how often the master is asked who follows it
BRIEF_S: Final = 1.0  # a generation that ends sooner is followed by a rest, at most as long
# For every node to adopt it, of which none rests longer than a second before it tries again, and
# to look at the rooms that it knows (recheck.py).
GRACE_S: Final = 1.5
STALL_S: Final = 1.0  # acks that wait longer for a replica are said to be held


class Succession:
    """Owns the present generation; whoever needs it waits for `reigning`."""

    def __init__(
        self,
        first: Address,
        opener: Opener,
        options: EngineOptions,
        state: StorageState,
        random: Random,
    ) -> None:
        self.generation: Generation | None = None
        self.watch: SentinelWatch | None = None
        self.failovers = 0
        self._first = first
        self._opener = opener
        self._options = options
        self._state = state
        self._random = random
        self._loop = asyncio.get_running_loop()
        self._election = Election()
        self._adoption = Adoption(opener, options, None)
        self._news = asyncio.Event()
        self._enthroned = asyncio.Event()
        self.on_adopted: Callable[[Generation], None] = lambda _: None

    def attend(self, watch: SentinelWatch) -> None:
        """Listen to sentinels: from now on the master is who they say."""
        self.watch = watch
        self._adoption = Adoption(self._opener, self._options, watch)
        watch.on_view, watch.on_news = self._heed, self._news.set
        watch.on_selected = self._successor_chosen

    async def reigning(self) -> Generation:
        """Return the present generation, waiting while there is none."""
        while self.generation is None or self.generation.over:
            self._enthroned.clear()
            await self._enthroned.wait()
        return self.generation

    async def serve(self, who: str, work: Callable[[Generation], Awaitable[None]]) -> None:
        """Do the work under one generation after the other until cancelled; `who` lost a link."""
        while True:
            generation = await self.reigning()
            try:
                await work(generation)
            except LinkLost as lost:
                generation.end(f"{who}: {lost}")

    async def run(self) -> None:
        """Rule until cancelled."""
        try:
            while True:
                generation = await self._next()
                try:
                    await self._reign(generation)
                except LinkLost as lost:
                    generation.end(str(lost))
                finally:
                    generation.end("closed")
                _log.warning("generation_ended", extra={"reason": generation.reason})
                self._state.turn(Phase.FAILING_OVER, generation.reason)
                self._hurry(hurry=True)
                await generation.closed()
                await self._rest(generation)
        finally:
            if self.generation is not None:
                self.generation.end("closed")
                await self.generation.closed()

    async def _rest(self, generation: Generation) -> None:
        """A master that answers a question and then nothing more must not be hammered."""
        lasted = self._loop.time() - generation.since
        if lasted < BRIEF_S and self._candidate() == self._election.adopted:
            await self._nap(self._random.uniform(0, BRIEF_S))

    async def _next(self) -> Generation:
        """Find and adopt a master, however long that takes."""
        generation = await persist(self._adopt, self._random, nap=self._nap)
        former, self.generation = self.generation, generation
        if former is not None and former.address != generation.address:
            self.failovers += 1
        self._election.adopt(generation.candidate, self._loop.time())
        details = {
            "master": str(generation.address),
            "epoch": generation.candidate.epoch,
            "continuity": generation.continuity.value,
            "insync": sorted(map(str, generation.insync.members)),
        }
        _log.info("adopted", extra=details)
        generation.on_settled = partial(self._settled, generation)
        self.on_adopted(generation)
        self._enthroned.set()
        return generation

    async def _adopt(self) -> Generation:
        self._news.clear()  # here, not before the nap: what comes while this tries must wake it
        try:
            candidate = self._candidate()
            if candidate is None or self._is_given_up():
                await self._reinstate()
                raise NotMaster("no sentinel names a trusted master")
            return await self._adoption.adopt(
                candidate,
                lambda: self._is_awaited(candidate),
                lambda: self._stands(candidate),
                self._say_why,
            )
        except LinkLost as lost:
            self._say_why(str(lost))
            raise

    def _say_why(self, reason: str) -> None:
        held = self._state.away_s > self._options.hold_s
        phase = self._state.storage.phase
        down = phase is Phase.FAILING_OVER and held
        self._state.turn(Phase.DOWN if down else phase, reason)

    def _candidate(self) -> Candidate | None:
        if self.watch is None:
            return Candidate(self._first, 0)
        if not self.watch.gathered:
            return None
        return self._election.candidate(self.watch.views, self._loop.time())

    def _is_awaited(self, chosen: Candidate) -> bool:
        """Tell whether a chosen successor may still become the master."""
        return self._candidate() == chosen and not self._is_given_up()

    def _stands(self, candidate: Candidate) -> bool:
        """Tell whether it is still the candidate after all that was heard while it was asked."""
        now = self._candidate()
        return now is not None and now.address == candidate.address

    def _is_given_up(self) -> bool:
        """Tell whether the sentinels have gone back to the master before the chosen one."""
        views = self.watch.views if self.watch is not None else ()
        return self._election.aborted(views, self._loop.time()) is not None

    async def _nap(self, seconds: float) -> None:
        """Sleep, but wake when there is another candidate."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    async def _reign(self, generation: Generation) -> None:
        """Look after the master until the generation ends."""
        link = await generation.open()
        await self._settle(generation, link)
        while not generation.over:
            self._report(generation)
            await self._beat(generation, link)
            await generation.ended(BEAT_S)

    async def _settle(self, generation: Generation, link: Link) -> None:
        """Return when the ack rule can be met, and appends may begin.

        Where nobody can tell whether the history goes on, each node first says what it knows of
        it: from when it can be written, for it is said by writing.
        """
        quorum = Quorum(generation, self.watch, "adoption")
        quorum.on_short = partial(self._report, generation)
        while True:
            command = ("SET", keys.BARRIER, generation.number)
            answers = await link.pipeline([command, *quorum.questions()], ANSWER_S)
            if not isinstance(answers[0], ReplyError):
                break
            if judge(answers[0]) is Verdict.FENCED:
                raise LinkLost(code(answers[0]))
            if not generation.settled:
                self._say_why(code(answers[0]))
            await asyncio.sleep(AGAIN_S)
        writable = self._loop.time()
        await quorum.commit(link, answers[1:])
        if generation.continuity is not Continuity.CONTINUED:
            await generation.ended(max(0.0, writable + GRACE_S - self._loop.time()))
        generation.require()
        generation.settle()

    def _settled(self, generation: Generation) -> None:
        """The first commit is the end of the outage, and told before it is answered."""
        self._report(generation)
        self._hurry(hurry=False)

    async def _beat(self, generation: Generation, link: Link) -> None:
        replies = await link.pipeline([("ROLE",), ("GET", keys.BREAK)], ANSWER_S)
        found = master_role(replies[0])
        generation.insync.observe(found)
        if len(found.replicas) < generation.insync.floor:
            generation.stall("beat", "too few replicas")
        else:
            generation.flow("beat")
        marked = natural(replies[1])
        generation.mark = max(generation.mark, marked)
        if marked < generation.mark:  # wiped: who comes now would begin rooms that we break again
            await link.pipeline([raise_mark(generation.mark)], ANSWER_S)

    def _report(self, generation: Generation) -> None:
        reason = generation.stalled(STALL_S)
        if reason is None:
            if generation.settled:
                self._state.turn(Phase.UP, f"master {generation.address}")
        elif self._state.storage.up:
            self._state.turn(Phase.FAILING_OVER, reason)
        else:
            self._say_why(reason)

    def _hurry(self, *, hurry: bool) -> None:
        if self.watch is not None:
            self.watch.hurry = hurry

    def _heed(self) -> None:
        """A sentinel has answered: no news perhaps, but evidence only now (see `Election`)."""
        generation = self.generation
        if self.watch is None or generation is None or generation.over:
            return
        now = self._loop.time()
        self._election.confirm(self.watch.views, now)
        rival = self._election.supersedes(self.watch.views, now)
        if rival is not None and self._election.adopted is not None:
            self._election.depose(self._election.adopted)
            generation.end(f"superseded by {rival.address}")

    def _successor_chosen(self, old: Address, successor: Address) -> None:
        """A sentinel has chosen our master's successor: stop acknowledging at once."""
        if self._election.select(old, successor, self._loop.time()):
            self._news.set()
            if self.generation is not None:
                self.generation.end(f"{successor} chosen to succeed")

    async def _reinstate(self) -> None:
        """A failover was given up if every reachable node still follows the deposed master."""
        if self.watch is None:
            return
        candidate = self._election.aborted(self.watch.views, self._loop.time())
        if candidate is None:
            return
        replicas = {seen.address for view in self.watch.views for seen in view.replicas}
        if await all_follow(self._opener, replicas, candidate.address):
            self._election.reinstate(candidate)
            self._news.set()
