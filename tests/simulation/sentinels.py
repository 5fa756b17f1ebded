"""Three sentinels, at the level of what they answer and tell: down-after, election, epochs.

What they get wrong is modelled with care: old offsets, old masters named for a second after the
switch, a leader that names the old master under the new epoch until its failover has ended.
"""

from random import Random
from typing import Any, Final, NamedTuple

from resilience.address import Address
from resilience.link import Command
from tests.simulation.failover import Failover
from tests.simulation.network import Host, Network, Pipe
from tests.simulation.redis_node import RedisNode
from tests.simulation.sentinel_session import SentinelSession

NAME: Final = "mymaster"
QUORUM: Final = 2
TICK_S: Final = 0.1
INFO_S: Final = 10.0
INFO_HURRY_S: Final = 1.0


class Info(NamedTuple):
    """What the last INFO of a node told, and when."""

    asked: float
    offset: int
    linked: bool


class Sentinel(Host):
    """One sentinel: whom it calls down, whom it names, under which epoch."""

    def __init__(self, name: str, world: "Sentinels", master: Address) -> None:
        super().__init__(name)
        self.address = Address(name, 26379)
        self.world = world
        self.master = master
        self.epoch = 0
        self.leads: Failover | None = None
        self.heard: dict[Address, float] = {}
        self.down: set[Address] = set()
        self.offsets: dict[Address, Info] = {}
        self.sessions: dict[SentinelSession, None] = {}
        self.version = 0

    def admit(self, back: Pipe, lost: Any) -> SentinelSession:
        """Take a connection in."""
        session = SentinelSession(self, back, lost)
        self.sessions[session] = None
        return session

    def tell(self, event: str, said: str) -> None:
        """Tell an event to whoever listens."""
        self.version += 1
        if not self.is_deaf():
            for session in self.sessions:
                session.hear(event, said)

    def kill(self) -> None:
        """The process dies; it keeps its configuration on disk."""
        super().die()
        for session in list(self.sessions):
            session.drop()
        if self.leads is not None:
            self.leads.end()

    def restart(self) -> None:
        """Start it again; it has to find out anew who is down."""
        self.alive = True
        self.heard.clear()
        self.down.clear()

    def execute(self, command: Command) -> Any:
        """Answer SENTINEL MASTER and REPLICAS."""
        if command[1] == "MASTER":
            return self._fields(self.master, self._flags(), {"config-epoch": self.epoch})
        others = (node.address for node in self.world.nodes if node.address != self.master)
        return [self._fields(it, "slave" + self._marks(it), {}) for it in others]

    def _flags(self) -> str:
        marks = self._marks(self.master)
        return "master" + marks + (",failover_in_progress" if self.leads else "")

    def _marks(self, address: Address) -> str:
        return ",s_down" if address in self.down else ""

    def _fields(self, address: Address, flags: str, more: dict[str, Any]) -> list[bytes]:
        fields = {
            "ip": address.host,
            "port": address.port,
            "flags": flags,
            "slave-priority": 100,
            "num-other-sentinels": len(self.world.sentinels) - 1,
            **more,
        }
        return [str(part).encode() for pair in fields.items() for part in pair]

    def switch(self, master: Address, epoch: int) -> None:
        """Name another master."""
        old, self.master, self.epoch = self.master, master, epoch
        self.down.discard(master)
        self.offsets.clear()  # all nodes are entered anew
        said = f"{NAME} {old.host} {old.port} {master.host} {master.port}"
        self.tell("+switch-master", said)

    def look(self, now: float, down_after: float) -> None:
        """Ping and INFO every node that is due; call down who has not answered for so long."""
        for node in self.world.nodes:
            address = node.address
            if not node.is_deaf() and self.world.network.reaches(self.name, node.name):
                self.heard[address] = now
                self._ask_info(node, now)
                if address in self.down:
                    self.down.discard(address)
                    self.tell("-sdown", f"slave {node.name}")
            elif (
                now - self.heard.setdefault(address, now) > down_after and address not in self.down
            ):
                self.down.add(address)
                self.tell("+sdown", f"slave {node.name}")

    def _ask_info(self, node: RedisNode, now: float) -> None:
        """Every 10 s; every second while the master is down, or a link was told to be lost."""
        last = self.offsets.get(node.address)
        hurry = self.master in self.down or (last is not None and not last.linked)
        if last is None or now - last.asked >= (INFO_HURRY_S if hurry else INFO_S):
            # A master's INFO has no such line; a replica that never followed says 1.
            offset = 0 if node.is_master else max(1, node.log.offset)
            linked = node.is_master or node.is_linked
            # The first INFO is as old as chance wants, so that they are not all asked at once.
            age = self.world.random.uniform(0, INFO_S) if last is None and linked else 0.0
            self.offsets[node.address] = Info(now - age, offset, linked)


class Sentinels:
    """All sentinels, the failovers they begin, and what they do to nodes that are astray."""

    def __init__(
        self, network: Network, nodes: list[RedisNode], random: Random, *, down_after: float
    ) -> None:
        self.network = network
        self.nodes = nodes
        self.by_address = {node.address: node for node in nodes}
        self.random = random
        self.down_after = down_after
        self.demote_s = random.choice((0.5, 2.0, 4.0, random.uniform(8, 11)))
        self.retry_s = 6.0  # twice a failover-timeout of 3 s
        self.sentinels = [Sentinel(f"s{n}", self, nodes[0].address) for n in (1, 2, 3)]
        self.failover: Failover | None = None
        self.last_try = float("-inf")
        self._astray: dict[str, float] = {}
        self._due: float | None = None
        self.election_epoch = 0
        network.loop.call_later(random.uniform(0, TICK_S), self._tick)

    def awake(self) -> list[Sentinel]:
        return [sentinel for sentinel in self.sentinels if not sentinel.is_deaf()]

    def majority(self, sentinel: Sentinel) -> list[Sentinel]:
        """Return those that the sentinel reaches, itself too."""
        return [
            other
            for other in self.awake()
            if other is sentinel or self.network.reaches(sentinel.name, other.name)
        ]

    def newest(self) -> Sentinel:
        """Return a sentinel with the newest configuration."""
        return max(self.awake() or self.sentinels, key=lambda sentinel: sentinel.epoch)

    def order_failover(self) -> bool:
        """SENTINEL FAILOVER: a planned one; False when it can't begin."""
        awake = self.awake()
        if self.failover is not None or not awake:
            return False
        leader = self.random.choice(awake)
        if leader.master in leader.down or leader.epoch < self.newest().epoch:
            return False
        self._begin(leader, planned=True)
        return True

    def _begin(self, leader: Sentinel, *, planned: bool) -> None:
        self.election_epoch = max(self.election_epoch, self.newest().epoch) + 1
        self.last_try = self.network.loop.time()
        self.failover = Failover(self, leader, self.election_epoch, planned=planned)

    def _tick(self) -> None:
        loop = self.network.loop
        loop.call_later(TICK_S, self._tick)
        now = loop.time()
        for sentinel in self.awake():
            sentinel.look(now, self.down_after)
        if self.failover is None:
            self._elect(now)
            self._spread(now)
            self._straighten(now)
        elif self.failover.over or now - self.failover.born > self.retry_s:
            self.failover.end()
            self.failover = None

    def _elect(self, now: float) -> None:
        """Enough of them call the master down: one of them leads, a little later."""
        votes = [s for s in self.awake() if s.master in s.down and s.epoch == self.newest().epoch]
        leaders = [s for s in votes if sum(o in votes for o in self.majority(s)) >= QUORUM]
        if not leaders or now - self.last_try < self.retry_s:
            self._due = None
        elif self._due is None:
            self._due = now + self.random.uniform(0.05, 0.5)
        elif now >= self._due:
            self._due = None
            self._begin(self.random.choice(leaders), planned=False)

    def _spread(self, now: float) -> None:
        """Hello messages: whoever has an older configuration takes the newest it hears of."""
        newest = self.newest()
        for sentinel in self.awake():
            hears = self.network.reaches(sentinel.name, newest.name)
            if sentinel.epoch < newest.epoch and hears and self.random.random() < TICK_S:
                sentinel.switch(newest.master, newest.epoch)

    def _straighten(self, now: float) -> None:
        """Turn a node to the master that does not follow it, once it has been so for a while."""
        newest = self.newest()
        if newest.is_deaf() or newest.master in newest.down:
            return
        for node in self.nodes:
            wrong = newest.master not in {node.address, node.following}
            if not wrong or node.is_deaf() or not self.network.reaches(newest.name, node.name):
                self._astray.pop(node.name, None)
            elif now - self._astray.setdefault(node.name, now) > self.demote_s:
                node.follow(newest.master)
                node.drop_clients()
