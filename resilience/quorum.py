"""The ack rule at work: a batch waits until every replica that could be elected has it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from resilience.address import Address
from resilience.continuity import Lineage
from resilience.dialer import PROBE_S
from resilience.generation import Generation, Witness
from resilience.link import Command, Link, LinkLost, LinkRefused, Reply
from resilience.replies import Garbled, MasterRole, ReplicaRole, info, role

_log: Final = logging.getLogger("holdfast.quorum")

WAIT_MS: Final = 100
# Longer than a stall of a second, which is no failover; a frozen master is told by the sentinels.
ANSWER_S: Final = 2.0
_SPIN_S: Final = 0.01
_ROLE: Final[Command] = ("ROLE",)
_INFO: Final[Command] = ("INFO", "replication")


class Quorum:
    """Decides for one generation what is committed.

    WAIT counts replicas, whoever they are, and only wakes us; ROLE before it says which offset
    must be covered, ROLE after it which replicas have acknowledged what.
    """

    def __init__(self, generation: Generation, witness: Witness | None, who: str) -> None:
        self.generation = generation
        self._who = who
        self._insync = generation.insync
        self._witness = witness
        self._loop = asyncio.get_running_loop()
        self.on_short: Callable[[], None] = lambda: None  # each time that somebody lacks it still

    @property
    def _needed(self) -> bool:
        return self._witness is not None or self._insync.floor > 0

    def questions(self) -> list[Command]:
        """Return the commands that end a pipeline whose writes are to be committed."""
        return [_ROLE, *self._wait()] if self._needed else []

    def _wait(self) -> list[Command]:
        wanted = self._insync.wanted
        return [("WAIT", wanted, WAIT_MS), _ROLE] if wanted else [_ROLE]

    async def commit(self, link: Link, answers: Sequence[Reply]) -> int:
        """Return the covered offset once the writes before the questions are committed.

        Short: examine who is missing and WAIT again on the same link; nothing is sent twice.
        Raises `LinkLost` when the generation ends before that.
        """
        if not self._needed:
            self.generation.require()
            self.generation.flow(self._who)
            return -1
        offset = master_role(answers[0]).offset
        while True:
            now = master_role(answers[-1])
            self._insync.observe(now)
            self.generation.require()
            if self._insync.covers(offset, now):
                self.generation.flow(self._who)
                return offset
            self.generation.stall(self._who, "replicas do not acknowledge")
            self.on_short()
            await self.examine(offset, now)
            answers = await link.pipeline(self._wait(), ANSWER_S)
            woken = answers[0]
            # It did not block: others than the members had answered, or it was refused, as to a
            # user without the right, or at a replica, which ROLE behind it tells.
            if not isinstance(woken, int) or woken >= self._insync.wanted:
                await asyncio.sleep(_SPIN_S)

    async def examine(self, offset: int, now: MasterRole) -> None:
        """Find out of each member that lacks the offset whether it can still be elected."""
        lacking = self._insync.lacking(offset, now)
        if not lacking:  # the floor is not reached: nobody is there to be asked
            await asyncio.sleep(WAIT_MS / 1000)
        for member in lacking:
            if await self._can_be_elected(member, now):
                continue
            self._insync.leave(member, now)
            _log.warning("replica_left", extra={"replica": str(member)})

    async def _can_be_elected(self, member: Address, now: MasterRole) -> bool:
        if member in now.replicas:
            return not self._is_called_down(member)
        try:
            found, lineage = await self._ask(member)
            if isinstance(found, MasterRole):
                if self._was_before(lineage):
                    return False
                self.generation.end("a replica has become master")
        except LinkRefused:
            return False
        except LinkLost:
            return not self._is_called_down(member)
        return True

    async def _ask(self, member: Address) -> tuple[MasterRole | ReplicaRole, Lineage]:
        link = await self.generation.probe(member, PROBE_S)
        try:
            replies = await link.pipeline([_ROLE, _INFO], PROBE_S)
            return role(replies[0]), Lineage.read(info(replies[1]))
        finally:
            link.close("asked")

    def _was_before(self, lineage: Lineage) -> bool:
        """Tell whether a master is none that was promoted after ours: until it follows it can't be.

        It is one since it was started, or ours came from it, and Sentinel has not turned it yet.
        """
        return lineage.parent_end < 0 or lineage.id == self.generation.lineage.parent_id

    def _is_called_down(self, member: Address) -> bool:
        return self._witness is not None and self._witness.called_down(member)


def master_role(reply: Reply) -> MasterRole:
    """Parse ROLE of what must be a master."""
    found = role(reply)
    if not isinstance(found, MasterRole):
        raise Garbled("demoted")
    return found
