"""Adopting a master: ROLE must say so; then who must acknowledge, and whether history goes on."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from resilience import keys
from resilience.address import Address
from resilience.continuity import Continuity, Lineage, judge
from resilience.dialer import PROBE_S
from resilience.election import Candidate
from resilience.generation import Generation
from resilience.insync import InSync
from resilience.link import Command, Link, LinkLost, Opener, ReplyError
from resilience.options import AckRule, EngineOptions
from resilience.replies import Garbled, MasterRole, info, natural, role
from resilience.sentinel_watch import SentinelWatch
from resilience.verdicts import AGAIN_S, Verdict, code
from resilience.verdicts import judge as verdict

_log: Final = logging.getLogger("holdfast.adoption")

# A chosen successor is asked so often: writing is possible 2-3 ms after it has become master.
CHOSEN_POLL_S: Final = 0.01
_INFO: Final = ("INFO", "server", "replication", "persistence")
_RAISE_MARK: Final = """#!lua
if (tonumber(redis.call('GET', KEYS[1])) or 0) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1])
end
return redis.call('GET', KEYS[1])"""


def raise_mark(mark: int) -> Command:
    """Return the command by which all nodes learn of a break; it answers the highest number."""
    return ("EVAL", _RAISE_MARK, 1, keys.BREAK, mark)


class NotMaster(LinkLost):
    """ROLE does not say master, or the candidate is none any more."""


class Adoption:
    """Turns a candidate into a generation; remembers those before, to judge the history."""

    def __init__(self, opener: Opener, options: EngineOptions, watch: SentinelWatch | None) -> None:
        self._opener = opener
        self._options = options
        self._watch = watch
        self._former: Generation | None = None  # the last one
        self._sound: Generation | None = None  # the last one whose history is beyond doubt
        self._deposed: set[Address] = set()  # who was master and has not followed since
        self._number = 0
        self._mark = 0

    async def adopt(
        self,
        candidate: Candidate,
        still: Callable[[], bool],
        stands: Callable[[], bool],
        wait: Callable[[str], None],
    ) -> Generation:
        """Return the generation of a candidate, or raise `LinkLost`.

        A chosen one is asked until it is master; `still` says whether it is worth waiting for.
        `stands` says at the end whether any candidate is one yet: it may have been deposed while
        it was asked, and adopting it would make it trusted again. `wait` is told what refuses
        for now that a break in the history is marked.
        """
        link, found = await self._master(candidate, still)
        try:
            replies = await link.pipeline([_INFO, ("GET", keys.BREAK)], PROBE_S)
            lineage = Lineage.read(info(replies[0]))
            generation = self._generation(candidate, found, lineage, natural(replies[1]))
            if generation.continuity is Continuity.BROKEN:
                _log.error("history_broken", extra={"master": str(generation.address)})
                while not await self._mark_break(link, generation, wait):
                    _require(stands, candidate)
                    await asyncio.sleep(AGAIN_S)
        finally:
            link.close("adopted")
        _require(stands, candidate)
        self._mark = generation.mark
        self._former = generation
        return generation

    async def _master(
        self, candidate: Candidate, still: Callable[[], bool]
    ) -> tuple[Link, MasterRole]:
        """Return a link to it once it is master.

        Promoting, Sentinel cuts all clients off in the same transaction (CLIENT KILL TYPE normal):
        the link on which a chosen one is asked is lost at the very moment that was waited for.
        """
        while True:
            link = await self._opener.open(candidate.address, timeout_s=PROBE_S)
            try:
                return link, await self._become_master(link, candidate, still)
            except BaseException as error:
                link.close("no master")
                cut_off = isinstance(error, LinkLost) and not isinstance(error, NotMaster)
                if not (cut_off and candidate.chosen and still()):
                    raise
            await asyncio.sleep(CHOSEN_POLL_S)

    async def _become_master(
        self, link: Link, candidate: Candidate, still: Callable[[], bool]
    ) -> MasterRole:
        while True:
            found = role((await link.pipeline([("ROLE",)], PROBE_S))[0])
            if isinstance(found, MasterRole):
                return found
            if not candidate.chosen or not still():
                raise NotMaster(f"{candidate.address} is no master")
            await asyncio.sleep(CHOSEN_POLL_S)

    def _generation(
        self, candidate: Candidate, found: MasterRole, lineage: Lineage, mark: int
    ) -> Generation:
        before = self._before()
        continuity = self._continuity(before, lineage)
        self._number += 1
        generation = Generation(
            self._number,
            candidate,
            self._opener,
            InSync(self._floor, self._members(candidate, found), electable=self._by_all),
            lineage=lineage,
            continuity=continuity,
            mark=max(mark, self._mark),
        )
        if before is not None and continuity is Continuity.CONTINUED:
            generation.committed = before.committed
        return generation

    def _continuity(self, before: Generation | None, lineage: Lineage) -> Continuity:
        if before is not None:
            return judge(before.lineage, before.committed, lineage)
        # Nor is the first doubt: that of a master which then loaded until it was no longer young.
        return judge(None, -1, lineage) if self._former is None else Continuity.DOUBTFUL

    def _before(self) -> Generation | None:
        """Return whose history must go on: a doubt that was not settled is not forgotten."""
        former = self._former
        if former and (former.settled or former.continuity is not Continuity.DOUBTFUL):
            self._sound = former
        return self._sound

    @property
    def _floor(self) -> int:
        floor = self._options.ack_replicas
        return floor if floor is not None else int(self._watch is not None)

    @property
    def _by_all(self) -> bool:
        return self._watch is not None and self._options.ack_rule is AckRule.ELECTABLE

    def _members(self, candidate: Candidate, found: MasterRole) -> set[Address]:
        """Return who could be elected: the connected, and whoever is not called down.

        A master that was deposed is none until it follows: it may be back, and believe in itself.
        """
        if self._watch is None:
            return set()
        known = self._watch.listed()
        former = self._former
        if former is not None:
            self._deposed = (self._deposed | {former.address}) - former.insync.known
            known = (known - self._deposed) | former.insync.members
        could = {address for address in known if not self._watch.called_down(address)}
        return (could | set(found.replicas)) - {candidate.address}

    async def _mark_break(
        self, link: Link, generation: Generation, wait: Callable[[str], None]
    ) -> bool:
        """Make every room begin a new history: which of them lost something, nobody can tell.

        False: that is refused for now, as while no replica has come yet. Until it is marked
        a node that knows less may append to the old history.
        """
        epoch = generation.candidate.epoch
        mark = max(epoch, generation.mark if epoch else generation.mark + 1)
        reply = (await link.pipeline([raise_mark(mark)], PROBE_S))[0]
        if not isinstance(reply, ReplyError):
            generation.mark = natural(reply)
            return True
        if verdict(reply) is not Verdict.AGAIN:
            raise Garbled(code(reply))
        wait(code(reply))
        return False


def _require(stands: Callable[[], bool], candidate: Candidate) -> None:
    if not stands():
        raise NotMaster(f"{candidate.address} is no candidate any more")
