"""Every way between the processes of a cluster, each of which can be cut: partitions without root.

A partition such as {redis-1, chat-1} | {redis-2, redis-3, sentinel-1 … 3, chat-2} needs a place on
each *directed* way, from whoever connects to whoever listens, and Redis makes that hard: Sentinel
names one address of the master to all, so no caller can be handed an address of its own. Binding
each caller to a source address would tell them apart (`bind-source-addr` does that for Redis and
Sentinel), but asks for a setting in every client, the chat server included, that exists for tests.

So nobody is told anything. In front of each Redis and each sentinel stands one door (proxy.py), a
listening port, and the *door* is what the process announces: `replica-announce-port`, Sentinel's
`announce-port`, `sentinel monitor`, `replicaof`, and the addresses in REDIS_URL. Whoever learns an
address learns that of a door. When a connection comes in, the door asks the kernel which process
holds its other end (callers.py), and so knows the edge, (caller, target), that it belongs to. That
works alike for Redis, Sentinel, the server under test and any other program, with no word in their
configuration. A caller that is no part of the cluster (the test itself) is `outside`.

What is cut is thus exactly what is named, in the direction in which it is named: `split` stalls the
edges both ways between its sides and no other, whichever of the two connects. Established
connections stay and fall silent, as with a firewall that drops packets.

A door is not the process: it takes a connection before it knows whether it may pass it. A caller
meets a stall as an open connection on which nobody answers, and a refusal as a reset.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from typing import Final

from deploy.local.callers import Address, caller
from deploy.local.edge import Edge
from deploy.local.ports import LOOPBACK, Port
from deploy.local.proxy import Door

OUTSIDE: Final = "outside"


class Mesh:
    """The doors of a cluster and the edges that lead through them.

    `processes` names each process that runs now, by its number.
    """

    def __init__(self, processes: Callable[[], Mapping[int, str]]) -> None:
        self._processes = processes
        self._edges: dict[tuple[str, str], Edge] = {}
        self._doors: list[Door] = []

    def door(self, name: str, announced: Port, target: int) -> Door:
        """Make a door, still shut, in front of the process `name` that listens at `target`."""

        def edge(address: Address) -> Edge | None:
            return self._edge_of(address, (LOOPBACK, announced.number), name)

        door = Door(announced, target, edge)
        self._doors.append(door)
        return door

    def edge(self, origin: str, target: str) -> Edge:
        """Return the way by which one process connects to another, both by name."""
        return self._edges.setdefault((origin, target), Edge(origin, target))

    @property
    def edges(self) -> list[Edge]:
        """All edges that were used or named so far."""
        return list(self._edges.values())

    def between(self, one: Iterable[str], other: Iterable[str]) -> list[Edge]:
        """Return the edges from each of the one side to each of the other, and back."""
        there = [(a, b) for a in one for b in other]
        return [self.edge(*way) for a, b in there for way in ((a, b), (b, a))]

    def split(self, *sides: Iterable[str]) -> list[Edge]:
        """Let silence fall between the sides; whoever is named nowhere still reaches everybody.

        Returns the edges that are cut: what they withhold proves it.
        """
        groups = [tuple(side) for side in sides]
        cut = [edge for one, other in combinations(groups, 2) for edge in self.between(one, other)]
        for edge in cut:
            edge.stall()
        return cut

    def isolate(self, name: str, others: Iterable[str]) -> list[Edge]:
        """Let silence fall between one process and the others: its host is dead, or cut off."""
        return self.split([name], [other for other in others if other != name])

    def heal(self) -> None:
        """Make every edge pass everything again."""
        for edge in self._edges.values():
            edge.heal()

    async def close(self) -> None:
        """Shut all doors and reset what goes through them."""
        for door in self._doors:
            await door.close()

    def _edge_of(self, address: Address, door: Address, target: str) -> Edge | None:
        names = self._processes()
        try:
            pid = caller(address, door, names)
        except ProcessLookupError:
            return None
        return self.edge(names[pid] if pid else OUTSIDE, target)
