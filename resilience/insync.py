"""The in-sync set: the replicas that could be elected, all of which must have a batch.

Kafka's rule on Redis. Pure: what ROLE showed comes in, whether a batch is covered comes out.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from resilience.address import Address
from resilience.replies import MasterRole

NEAR_BYTES: Final = 2**20  # a replica so far behind is catching up; it must not hold the acks


class InSync:
    """The members of one master generation.

    `floor` replicas are needed in any case. `electable`: and every one that could be elected;
    without it the set stays empty and any replicas count.
    """

    def __init__(self, floor: int, members: Iterable[Address], *, electable: bool = True) -> None:
        self.floor = floor
        self._electable = electable
        self._members = set(members) if electable else set()
        self._left: dict[Address, int] = {}  # where each stood when it left
        self.seen: MasterRole | None = None  # the last look at the master and who follows it

    @property
    def members(self) -> AbstractSet[Address]:
        """Those whose acknowledgement is needed."""
        return self._members

    @property
    def known(self) -> AbstractSet[Address]:
        """The members, and those that were."""
        return self._members | self._left.keys()

    @property
    def wanted(self) -> int:
        """How many replicas to WAIT for."""
        return max(self.floor, len(self._members))

    def observe(self, role: MasterRole) -> None:
        """Take in who is online: one that keeps up joins, unless it hangs since it left."""
        self.seen = role
        if not self._electable:
            return
        for address, offset in role.replicas.items():
            moved = offset > self._left.get(address, -1)
            if address not in self._members and moved and role.offset - offset < NEAR_BYTES:
                self._members.add(address)
                self._left.pop(address, None)

    def covers(self, offset: int, role: MasterRole) -> bool:
        """Tell whether everything up to `offset` is where it must be."""
        having = sum(acked >= offset for acked in role.replicas.values())
        return having >= self.floor and not self.lacking(offset, role)

    def lacking(self, offset: int, role: MasterRole) -> set[Address]:
        """Return the members that have not acknowledged `offset`."""
        return {member for member in self._members if role.replicas.get(member, -1) < offset}

    def leave(self, member: Address, role: MasterRole) -> None:
        """Take one out that can't be elected any more."""
        self._members.discard(member)
        self._left[member] = role.replicas.get(member, -1)
