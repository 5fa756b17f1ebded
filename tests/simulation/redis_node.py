"""A model of one Redis server: commands, roles, replication, pub/sub, and its own death."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from resilience.address import Address
from resilience.link import Command
from tests.simulation import commands
from tests.simulation.connection import BLOCKED, Answer, Connection
from tests.simulation.keyspace import Effect, KeySpace
from tests.simulation.network import Host, Network, Pipe
from tests.simulation.replication import Backlog, LogEntry, Stream

CRON_S: Final = 1.0
GOOD_LAG_S: Final = 2.0  # min-replicas-max-lag
TIMEOUT_S: Final = 10.0  # repl-timeout
_HANDSHAKE_S: Final = 2.0  # a PSYNC without an answer is tried again
_GETACK, _PING, _EFFECT = 37, 14, 60  # bytes of the replication stream
_EPOCH_MS: Final = 1_700_000_000_000


class RedisNode(Host):
    """A server among others; `peers` is how it finds the one it follows.

    `modern`: a command that changed nothing does not move the offset that WAIT is about.
    `min_replicas`: with fewer good ones it refuses writes.
    """

    def __init__(self, name: str, network: Network, random: Random, *, modern: bool) -> None:
        super().__init__(name)
        self.address = Address(name, 6379)
        self.network = network
        self.random = random
        self.modern = modern
        self.min_replicas = 1
        self.peers: dict[Address, RedisNode] = {}
        self.space = KeySpace()
        self.log = Backlog(random)
        self.following: Address | None = None
        self.upstream: Stream | None = None
        self.followers: dict[str, Stream] = {}
        self.scripts: set[str] = set()
        self.connections: dict[Connection, None] = {}
        self.subscribers: dict[str, dict[Connection, None]] = {}
        self.waiting: dict[Connection, None] = {}
        self.skew_ms = 0.0
        self.lose_replies = 0  # so many answers are executed and never sent
        self.lost_replies = 0
        self.mute = 0  # so many messages of pub/sub are lost on their way
        self.muted = 0
        self.full = False  # no memory left: writes are refused
        self._effects: list[Effect] = []
        self._ask_acks = False
        self._ticks = 0
        self._since = network.loop.time()
        network.loop.call_later(random.uniform(0, CRON_S), self._cron)

    # What scripts see.

    def now_ms(self) -> int:
        """Return the wall clock of this machine."""
        return int(_EPOCH_MS + self.network.loop.time() * 1000 + self.skew_ms)

    @property
    def up_s(self) -> float:
        """Return since when it runs."""
        return self.network.loop.time() - self._since

    def look(self, key: str) -> Any:
        """Return a key's value."""
        return self.space.get(key, self.now_ms())

    def write(self, *effect: Any) -> None:
        """Change a key, here now, and wherever this one is followed."""
        self.space.apply(effect)
        self._effects.append(effect)

    # Commands.

    def admit(self, back: Pipe, lost: Callable[[], None]) -> Connection:
        """Take a connection in."""
        connection = Connection(self, back, lost)
        self.connections[connection] = None
        return connection

    @property
    def is_master(self) -> bool:
        return self.following is None

    @property
    def is_linked(self) -> bool:
        """Whether it hears the one it follows."""
        return self.upstream is not None and self.upstream.running

    def execute(self, connection: Connection, command: Command) -> Any:
        """Carry one command out; BLOCKED: the answer comes later."""
        offset = self.log.offset
        reply = commands.execute(self, connection, command)
        self._propagate()
        if not self.modern or self.log.offset != offset:
            connection.written = self.log.offset
        return reply

    def answer(
        self, connection: Connection, asked: Sequence[Command], replies: list[Any], answer: Answer
    ) -> None:
        """Send replies; a fault may lose them, after all is done, with the connection."""
        if self.lose_replies and any(command[0] == "EVALSHA" for command in asked):
            self.lose_replies -= 1
            self.lost_replies += 1
            connection.drop()
            return
        connection.back.send(answer, replies)

    def attend(self, connection: Connection, command: Command) -> None:
        """Carry out a command of a subscriber."""
        commands.attend(self, connection, command)

    def publish(self, channel: str, payload: bytes) -> int:
        """Tell this server's subscribers."""
        hearers = list(self.subscribers.get(channel, ()))
        if hearers and self.mute and channel.startswith("hf:{"):
            self.mute -= 1
            self.muted += 1
            return len(hearers)
        for connection in hearers:
            if connection.push is not None:
                message = [b"message", channel.encode(), payload]
                connection.back.send(connection.push, message)
        return len(hearers)

    def announce(self, channel: str, payload: bytes) -> None:
        """Let the followers tell theirs."""
        self._effects.append(("publish", channel, payload))

    def good_replicas(self) -> int:
        """Count the followers heard of lately."""
        now = self.network.loop.time()
        return sum(
            stream.online and now - stream.acked_at <= GOOD_LAG_S
            for stream in self.followers.values()
        )

    def count(self, offset: int) -> int:
        """Count the followers that have acknowledged the offset."""
        return sum(s.online and s.acked >= offset for s in self.followers.values())

    def ask_acks(self) -> None:
        """Let the followers acknowledge as soon as they can."""
        self._ask_acks = True

    def settle(self) -> None:
        """Do what Redis does before it sleeps: send its followers what is new."""
        if self._ask_acks:
            self._ask_acks = False
            self._add(None, _GETACK)
        for stream in self.followers.values():
            stream.pump()

    def wake_waiting(self) -> None:
        """Followers acknowledged something."""
        for connection in list(self.waiting):
            if connection.wait is not None and self.count(connection.wait[0]) >= connection.wait[1]:
                connection.unblock()

    def host_do(self, act: Callable[[], None]) -> None:
        """Let a timer of the server do something, if it runs."""
        self.take(act, ())

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        self.connections.pop(connection, None)
        self.waiting.pop(connection, None)
        for channel in connection.channels:
            self.subscribers.get(channel, {}).pop(connection, None)

    def _propagate(self) -> None:
        if self._effects:
            effects, self._effects = tuple(self._effects), []
            self._add(effects, _EFFECT * len(effects))

    def _add(self, effects: tuple[Effect, ...] | None, size: int) -> None:
        """Enter something into the stream; without a backlog only the offset moves, by one."""
        if self.log.exists:
            self.log.add(effects, size)
        else:
            self.log.offset += 1

    # Following.

    def replicate(self, chunk: Sequence[LogEntry]) -> bool:
        """Do what the leader did; True if it asks how far this one is."""
        asked = False
        for entry in chunk:
            effects = entry[1]
            if effects is None:
                asked = True
            else:
                for effect in effects:
                    if effect[0] == "publish":
                        self.publish(effect[1], effect[2])
                    else:
                        self.space.apply(effect)
            self.log.follow(entry)
        self.settle()
        return asked

    def replace(self, space: KeySpace) -> None:
        """Load a snapshot; who followed this one must begin anew as well."""
        self.space = space
        for stream in list(self.followers.values()):
            stream.drop()

    def follow(self, leader: Address) -> None:
        """REPLICAOF host port; followers stay until a snapshot is needed."""
        if self.following == leader:
            return
        self.following = leader
        if self.upstream is not None:
            self.upstream.leave()
        for connection in list(self.waiting):
            connection.unblock_by_error()
        self._connect()

    def promote(self) -> None:
        """REPLICAOF NO ONE."""
        if self.following is None:
            return
        self.following = None
        if self.upstream is not None:
            self.upstream.leave()
        self.log.fork()

    def drop_clients(self) -> None:
        """What Sentinel does with every change of role: CLIENT KILL of all."""
        for connection in list(self.connections):
            connection.drop()

    def lose(self, stream: Stream) -> None:
        """The connection to the leader is gone."""
        if self.upstream is stream:
            self.upstream = None

    def _connect(self) -> None:
        leader = self.peers.get(self.following) if self.following is not None else None
        if leader is not None and leader is not self:
            self.upstream = Stream(leader, self)
            self.upstream.ask()

    def _cron(self) -> None:
        """What Redis does once a second."""
        self.network.loop.call_later(CRON_S, self._cron)
        if self.is_deaf():
            return
        now = self.network.loop.time()
        self._ticks += 1
        for stream in list(self.followers.values()):
            if now - stream.acked_at > TIMEOUT_S:
                stream.drop()
        upstream = self.upstream
        if upstream is not None:
            patience = TIMEOUT_S if upstream.running else _HANDSHAKE_S
            if now - upstream.heard > patience:
                upstream.leave()
        if self.following is not None and self.upstream is None:
            self._connect()
        elif self.upstream is not None:
            self.upstream.acknowledge()
        if self.is_master and self.followers and self._ticks % 2 == 0:
            self._add((), _PING)
            self.settle()

    # Life.

    def kill(self) -> None:
        """Kill -9: what was sent is on its way, everything else ends here."""
        super().die()
        self.drop_clients()
        for stream in list(self.followers.values()):
            stream.drop()
        if self.upstream is not None:
            self.upstream.leave()
        self._effects.clear()
        self._ask_acks = False

    def restart(self, *, empty: bool) -> None:
        """Start again from the AOF, or with nothing; the history gets a new id either way."""
        self.alive, self.dark = True, False
        self._since = self.network.loop.time()
        if empty:
            self.space = KeySpace()
        self.log = Backlog(self.random)
        self.scripts.clear()
        if self.following is not None:
            self._connect()


__all__ = ["BLOCKED", "RedisNode"]
