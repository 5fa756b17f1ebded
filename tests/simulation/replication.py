"""Replication as Redis does it: one stream from a node to a follower, partial or full at first."""

from bisect import bisect_right
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias

from tests.simulation.keyspace import Effect, KeySpace

if TYPE_CHECKING:
    from tests.simulation.redis_node import RedisNode

# The offset behind it, and what is done there; None asks for an acknowledgement (GETACK).
LogEntry: TypeAlias = tuple[int, tuple[Effect, ...] | None]
LOAD_S: Final = (0.02, 0.4)  # a snapshot's way, and its loading


class Backlog:
    """A node's place in a history: ids, offset, and the stretch that others can continue from."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.id = self.new_id()
        self.parent_id = "0" * 40
        self.parent_end = -1
        self.offset = 0
        self.start = 0  # the offset before the first entry
        self.entries: list[LogEntry] = []
        self.exists = False  # a server that never had a follower keeps none

    def new_id(self) -> str:
        return f"{self._random.getrandbits(160):040x}"

    def add(self, effects: tuple[Effect, ...] | None, size: int) -> None:
        """Take in what this node did, as the master of its history."""
        self.offset += size
        self.entries.append((self.offset, effects))

    def follow(self, entry: LogEntry) -> None:
        """Take in what its master did."""
        self.offset = entry[0]
        self.entries.append(entry)

    def fork(self) -> None:
        """Become a master of a history of its own, which begins where this one ends."""
        self.parent_id, self.parent_end = self.id, self.offset + 1
        self.id = self.new_id()

    def begin(self, history: str, offset: int) -> None:
        """Begin anew from a snapshot."""
        self.id, self.offset, self.start = history, offset, offset
        self.parent_id, self.parent_end = "0" * 40, -1
        self.entries.clear()
        self.exists = True

    def found(self) -> None:
        """The first follower of all comes: the history gets a new name (Redis does so)."""
        if not self.exists:
            self.id = self.new_id()
            self.parent_id, self.parent_end = "0" * 40, -1
            self.start, self.exists = self.offset, True
            self.entries.clear()

    def index_after(self, history: str, offset: int) -> int | None:
        """Return where one that stands at `offset` continues; None: only by a snapshot."""
        inherited = history == self.parent_id and offset + 1 <= self.parent_end
        if not self.exists or not (history == self.id or inherited):
            return None
        if not self.start <= offset <= self.offset:
            return None
        return bisect_right(self.entries, offset, key=lambda entry: entry[0])


class Stream:
    """A follower's connection to the node it follows."""

    def __init__(self, leader: "RedisNode", follower: "RedisNode") -> None:
        network = leader.network
        self.leader = leader
        self.follower = follower
        self.born = network.loop.time()
        self.acked = 0
        self.acked_at = self.born
        self.online = False
        self.heard = self.born
        self.left = False  # the follower is done with it
        self.ended = False  # the leader is
        self.running = False  # the follower has what it continues from
        self._next = 0
        self._down = network.pipe(leader, follower)
        self._up = network.pipe(follower, leader)

    def ask(self) -> None:
        """The follower asks to continue from where it stands."""
        log = self.follower.log
        self._up.send(self._accept, log.id, log.offset)

    def _accept(self, history: str, offset: int) -> None:
        leader = self.leader
        if leader.following is not None and not leader.is_linked:
            self.drop()
            return
        leader.followers[self.follower.name] = self
        index = leader.log.index_after(history, offset)
        if index is not None:
            self._next = index
            self.online = True
            self.acked_at = leader.network.loop.time()
            self._down.send(self._continue, leader.log.id)
        else:
            leader.log.found()
            self._down.delay(leader.random.uniform(*LOAD_S))
            log = leader.log
            self._next = len(log.entries)
            self._down.send(self._load, leader.space.copy(), log.id, log.offset)
        self.pump()

    def _continue(self, history: str) -> None:
        if self.left:
            return
        log = self.follower.log
        if log.id != history:
            log.parent_id, log.parent_end = log.id, log.offset + 1
            log.id = history
        log.exists = True
        self._run()

    def _load(self, space: KeySpace, history: str, offset: int) -> None:
        if self.left:
            return
        self.follower.replace(space)
        self.follower.log.begin(history, offset)
        self._run()

    def _run(self) -> None:
        self.running = True
        self.heard = self.follower.network.loop.time()
        self.acknowledge()

    def pump(self) -> None:
        """Send what the follower has not been sent."""
        entries = self.leader.log.entries
        if not self.ended and self._next < len(entries):
            chunk = entries[self._next :]
            self._next = len(entries)
            self._down.send(self._receive, chunk)

    def _receive(self, chunk: Sequence[LogEntry]) -> None:
        if self.left:
            return
        self.heard = self.follower.network.loop.time()
        asked = self.follower.replicate(chunk)
        if asked:
            self.acknowledge()

    def acknowledge(self) -> None:
        """The follower tells how far it is."""
        if self.running and not self.left:
            self._up.send(self._take_ack, self.follower.log.offset)

    def _take_ack(self, offset: int) -> None:
        if self.ended:  # a restarted process knows nothing of the connection
            self._down.send(self._lose)
            return
        self.online = True
        self.acked = max(self.acked, offset)
        self.acked_at = self.leader.network.loop.time()
        self.leader.wake_waiting()

    def leave(self) -> None:
        """The follower ends it; what it had acknowledged is still on its way."""
        if not self.left:
            self.left = True
            self.follower.lose(self)
            self._up.send(self._forget)

    def _forget(self) -> None:
        self.ended = True
        if self.leader.followers.get(self.follower.name) is self:
            del self.leader.followers[self.follower.name]

    def drop(self) -> None:
        """The leader ends it."""
        if not self.ended:
            self._forget()
            self._down.send(self._lose)

    def _lose(self) -> None:
        if not self.left:
            self.left = True
            self.follower.lose(self)
