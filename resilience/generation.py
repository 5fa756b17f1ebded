"""A master generation: one master from its adoption to its end, and the links to it."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from resilience.address import Address
from resilience.continuity import Continuity, Lineage
from resilience.election import Candidate
from resilience.insync import InSync
from resilience.link import Link, LinkLost, OnPush, Opener

OPEN_S: Final = 1.0  # to open a link to a master that has just answered


class Witness(Protocol):
    """Whoever can say what the sentinels think of a replica."""

    def called_down(self, replica: Address) -> bool:
        """Tell whether a majority of all sentinels calls it down."""
        ...


class Generation:
    """What is true of the storage as long as its master is; once ended it stays ended.

    `mark` is the number of the last break in the history of all rooms (append.lua); `committed`
    the highest replication offset that the ack rule was seen to cover for a message of this node.
    Appends begin when it is open: at once, unless its history must be looked at before.
    It is settled with the first commit, of whomever; `on_settled` is told before that is answered.
    """

    def __init__(
        self,
        number: int,
        candidate: Candidate,
        opener: Opener,
        insync: InSync,
        *,
        lineage: Lineage,
        continuity: Continuity,
        mark: int,
    ) -> None:
        self.number = number
        self.candidate = candidate
        self.insync = insync
        self.lineage = lineage
        self.continuity = continuity
        self.mark = mark
        self.committed = -1
        self._stalls: dict[str, tuple[float, str]] = {}
        self._opener = opener
        self._links: set[Link] = set()
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self.since = self._loop.time()
        self.settled = False
        self.on_settled: Callable[[], None] = lambda: None
        self._open = asyncio.Event()
        if continuity is Continuity.CONTINUED:
            self._open.set()

    @property
    def address(self) -> Address:
        """Where the master is."""
        return self.candidate.address

    @property
    def over(self) -> bool:
        """Whether it has ended: nothing may be acknowledged by it any more."""
        return self._ended.done()

    @property
    def reason(self) -> str:
        """Why it ended; empty while it lasts."""
        return self._ended.result() if self._ended.done() else ""

    def end(self, reason: str) -> None:
        """End it and close its links, so that nobody hangs in a read."""
        if self._ended.done():
            return
        self._ended.set_result(reason)
        self._open.set()
        for link in self._links:
            link.close(reason)

    def stall(self, who: str, reason: str) -> None:
        """Note that somebody can't get anything committed, and since when."""
        since, _ = self._stalls.get(who, (self._loop.time(), ""))
        self._stalls[who] = (since, reason)

    def flow(self, who: str) -> None:
        """It can again."""
        self._stalls.pop(who, None)

    def stalled(self, seconds: float) -> str | None:
        """Return why nothing is committed, if that has lasted so long."""
        before = self._loop.time() - seconds
        return next((why for since, why in self._stalls.values() if since <= before), None)

    async def ended(self, timeout_s: float | None = None) -> None:
        """Return when it has ended, or after so long."""
        await asyncio.wait({self._ended}, timeout=timeout_s)

    async def opened(self) -> None:
        """Return when appends may begin, or it is over."""
        await self._open.wait()

    def commit(self, offset: int) -> None:
        """A message is committed, covered by this offset."""
        self.committed = max(self.committed, offset)
        self.settle()

    def settle(self) -> None:
        """The ack rule can be met, and whoever knew of more has had the time to say so.

        Who waited for that until now has stalled no longer than since now.
        """
        if self.settled:
            return
        self.settled = True
        self._stalls.clear()
        self._open.set()
        self.on_settled()

    async def open(self, *, on_push: OnPush | None = None) -> Link:
        """Open a link to the master; raises `LinkLost` when the generation is over."""
        self.require()
        link = await self._opener.open(self.address, timeout_s=OPEN_S, on_push=on_push)
        if self.over:
            link.close(self.reason)
            self.require()
        self._links = {known for known in self._links if not known.closed} | {link}
        return link

    async def probe(self, address: Address, timeout_s: float) -> Link:
        """Open a link to another Redis, for a question; the caller closes it."""
        return await self._opener.open(address, timeout_s=timeout_s)

    def require(self) -> None:
        """Raise `LinkLost` if it is over."""
        if self.over:
            raise LinkLost(self.reason)

    async def closed(self) -> None:
        """Return when all its links are gone."""
        await asyncio.gather(*(link.ended() for link in self._links))
