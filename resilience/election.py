"""Which master: the highest config epoch wins, a deposed one is not trusted again. Pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from resilience.address import Address
from resilience.replies import MasterView, ReplicaView

# A view that old is no evidence any more: a sentinel answers every 0.5 s, or is away.
FRESH_S: Final = 2.5
# How long after the choice of a successor an old master may not be believed to have stayed:
# promotion took 50-100 ms, and a sentinel that gives up says so after its failover-timeout.
SETTLED_S: Final = 3.0


class View(msgspec.Struct, frozen=True):
    """What one sentinel said; `asked` is when the question was sent, by the loop's clock."""

    asked: float
    master: MasterView
    replicas: tuple[ReplicaView, ...]

    def is_fresh(self, now: float) -> bool:
        """Tell whether it may still be so."""
        return now - self.asked <= FRESH_S


class Candidate(msgspec.Struct, frozen=True):
    """Who may be the master, under which config epoch.

    `chosen`: by `+selected-slave`, so not yet promoted, and the epoch is a guess from below. Once
    it is adopted nothing of that but the epoch is left.
    """

    address: Address
    epoch: int
    chosen: bool = False


class Election:
    """Weighs what the sentinels say; times are of the event loop's clock."""

    def __init__(self) -> None:
        self.adopted: Candidate | None = None
        self._adopted_at = float("-inf")
        self._deposed: dict[Address, int] = {}
        self._selected: tuple[float, Candidate] | None = None

    def candidate(self, views: Iterable[View], now: float) -> Candidate | None:
        """Return whom to try next; None while nobody can be trusted."""
        named = self._named(views, now)
        if self._selected is not None:
            chosen = self._selected[1]
            if named is None or named.epoch < chosen.epoch or named.address == chosen.address:
                return chosen
        if named is None:
            return self.adopted if self.adopted and self._is_trusted(self.adopted) else None
        return named if self._is_trusted(named) else None

    def supersedes(self, views: Iterable[View], now: float) -> Candidate | None:
        """Return the candidate that takes the place of the adopted master, if there is one."""
        rival = self.candidate(views, now)
        here = self.adopted
        if rival is None or here is None or rival.address == here.address:
            return None
        return rival if rival.epoch > here.epoch else None

    def select(self, master: Address, successor: Address, now: float) -> bool:
        """Take in `+selected-slave`; True if our master is the one to be replaced."""
        here = self.adopted
        if here is None or here.address != master or successor == master:
            return False
        self._selected = (now, Candidate(successor, here.epoch + 1, chosen=True))
        self.depose(here)
        return True

    def adopt(self, candidate: Candidate, now: float) -> None:
        """A candidate was found to be the master: who was before is deposed."""
        here = self.adopted
        if here is not None and here.address != candidate.address:
            self.depose(here)
        self._deposed.pop(candidate.address, None)
        self._selected = None
        self.adopted = Candidate(candidate.address, candidate.epoch)
        self._adopted_at = now

    def depose(self, master: Candidate) -> None:
        """Never trust it again under this epoch."""
        self._deposed[master.address] = max(master.epoch, self._deposed.get(master.address, 0))

    def confirm(self, views: Iterable[View], now: float) -> None:
        """Take the real epoch of a master that was adopted before the sentinels had named it."""
        named = self._named(views, now)
        here = self.adopted
        if named is not None and here is not None and named.address == here.address:
            self.adopted = named if named.epoch > here.epoch else here

    def aborted(self, views: Collection[View], now: float) -> Candidate | None:
        """Return the deposed master that all sentinels go on naming: a failover given up.

        It may be reinstated if every reachable node demonstrably follows it.
        """
        fresh = [view for view in views if self._is_evidence(view, now)]
        settled = self._selected is None or now - self._selected[0] > SETTLED_S
        if not fresh or not settled or any(view.master.failing_over for view in fresh):
            return None
        names = {(view.master.address, view.master.epoch) for view in fresh}
        if len(names) != 1:
            return None
        candidate = Candidate(*names.pop())
        return None if self._is_trusted(candidate) else candidate

    def reinstate(self, candidate: Candidate) -> None:
        """Trust a deposed master again."""
        self._deposed.pop(candidate.address, None)
        self._selected = None
        if self.adopted is not None and self.adopted.epoch > candidate.epoch:
            self.adopted = None  # the successor, under an epoch that nobody ever gave it

    @property
    def deposed(self) -> Mapping[Address, int]:
        """Who is not trusted, up to which epoch."""
        return self._deposed

    def _named(self, views: Iterable[View], now: float) -> Candidate | None:
        # The sentinel that leads a failover names the old master under the new epoch, from the
        # promotion until all replicas are turned: 1.1 s on Redis 7.0.
        fresh = (
            view.master
            for view in views
            if self._is_evidence(view, now) and not view.master.failing_over
        )
        best = max(fresh, key=lambda master: master.epoch, default=None)
        return None if best is None else Candidate(best.address, best.epoch)

    def _is_evidence(self, view: View, now: float) -> bool:
        """Answers older than the adoption name the old master, for up to 0.9 s."""
        return view.asked >= self._adopted_at and view.is_fresh(now)

    def _is_trusted(self, candidate: Candidate) -> bool:
        here = self.adopted
        newest = here is None or candidate.epoch >= here.epoch or candidate.address == here.address
        return newest and candidate.epoch > self._deposed.get(candidate.address, -1)


def called_down(views: Collection[View], replica: Address, sentinels: int, now: float) -> bool:
    """Tell whether a majority of all sentinels, heard or not, calls the replica down."""
    votes = sum(
        any(seen.address == replica and seen.down for seen in view.replicas)
        for view in views
        if view.is_fresh(now)
    )
    return votes > sentinels // 2


def listed(views: Collection[View], sentinels: int, now: float) -> set[Address]:
    """Return the replicas that could be known to whoever leads a failover.

    It takes the votes of a majority. Once so many have answered lately, what one that is away
    said last doesn't count: it may name a replica that was removed since, for good.
    """
    fresh = [view for view in views if view.is_fresh(now)]
    told = fresh if len(fresh) > sentinels // 2 else views
    return {seen.address for view in told for seen in view.replicas}


def count_sentinels(views: Iterable[View], listed: int) -> int:
    """Return how many sentinels there are: as many as are listed, or more if they know more."""
    return max([listed, *(view.master.sentinels for view in views)])
