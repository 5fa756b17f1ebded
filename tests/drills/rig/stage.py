"""The stage of a drill: a cluster of real processes under load, and what may be done to it."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final

import msgspec

from deploy.local.chat_node import ChatNode
from deploy.local.cluster import Cluster
from deploy.local.commands import UNANSWERED
from deploy.local.ports import LOOPBACK
from deploy.local.redis_node import RedisNode
from deploy.local.waiting import until
from tests.drills.rig.doors import Doors
from tests.drills.rig.fault import Harm
from tests.drills.rig.journal import Journal
from tests.drills.rig.load import Load
from tests.drills.rig.starvation import Starvation
from tests.drills.rig.terms import Terms
from tests.drills.rig.wire import Address

DOWN_AFTER: Final = 1.5  # seconds, Sentinel's
BUSY: Final = 100  # acks that show that all is well
HEALTHY: Final = 40.0
HURRIED: Final = 500  # milliseconds
USUAL: Final = 10_000  # what sentinel.c has
_FLOW: Final = 30.0


class Stage:
    """Everything that a drill's act sees.

    `random` decides what the seed decides. Times are in seconds of the journal's clock.
    """

    def __init__(
        self, cluster: Cluster, load: Load, journal: Journal, doors: Doors | None, seed: int
    ) -> None:
        self.cluster = cluster
        self.load = load
        self.journal = journal
        self.random = Random(f"act {seed}")
        self.starvation = Starvation(lambda: [one.process.pid for one in cluster.everybody])
        self.terms = Terms(starved=self._starved)
        self.faults: Counter[str] = Counter()
        self.harms: list[Harm] = []
        self.failovers = 0  # masters that took another's place
        self.leaving = False  # whether sockets are meant to be closed in this drill
        self.say: Callable[[str], None] = lambda _: None
        self._doors = doors

    @property
    def doors(self) -> Doors:
        """The proxies between clients and chat servers; LookupError if there are none."""
        if self._doors is None:
            raise LookupError("this drill has no doors")
        return self._doors

    @contextmanager
    def fault(self, name: str, *, loses_history: bool = False) -> Iterator[Harm]:
        """Begin a fault: `with stage.fault("F01") as fault`; it ends where the block ends well."""
        self.faults[name] += 1
        fault = Harm(self.journal, name, self.faults[name], loses_history=loses_history)
        self.harms.append(fault)
        yield fault
        fault.end()

    async def flowing(self, acks: int = BUSY, within: float = _FLOW) -> None:
        """Wait until so many more messages were acknowledged."""
        await self.load.flow(acks, within)

    async def passing(self, low: float, high: float | None = None) -> None:
        """Let so many seconds pass under load, the seed says how many."""
        await self.load.flow_for(self.random.uniform(low, high or low))

    async def replaced(self, old: RedisNode, fault: Harm, within: float = 10.0) -> RedisNode:
        """Wait for another master, which proves the fault."""
        new = await self.successor(old, within)
        took = time.monotonic() - fault.since
        fault.proved(f"{new.name} is master in place of {old.name} after {took:.2f} s")
        return new

    async def successor(self, old: RedisNode, within: float) -> RedisNode:
        """Wait for another master, and count it."""
        new = await self.cluster.wait_for_new_master(old, within)
        self.failovers += 1
        return new

    def _starved(self) -> float:
        return self.starvation.since(self.harms[-1].since) if self.harms else 0.0

    async def bring_back(self, node: RedisNode) -> None:
        """Start a node again and turn it to the master at once; returns when all is well.

        Left to itself a former master is turned by Sentinel, eight seconds later.
        """
        master = await self.cluster.master()
        await self.cluster.restart(node)

        async def turned() -> bool:
            try:
                await node.command("REPLICAOF", LOOPBACK, master.announced)
            except UNANSWERED:  # it is loading its disk
                return False
            return True

        if node is not master:
            await until(turned, HEALTHY, f"{node.name} follows {master.name}")
        await self.whole_again()

    async def whole_again(self) -> None:
        """Wait until all processes are one healthy topology, with every replica online.

        Sentinels look at a quiet node every ten seconds; here they hurry until they know all.
        """
        await self._look_every(HURRIED)
        await self.cluster.wait_until_healthy(HEALTHY)
        await self._look_every(USUAL)

    async def _look_every(self, milliseconds: int) -> None:
        """Set how often a sentinel asks a node for INFO while nothing seems wrong."""
        for sentinel in self.cluster.sentinels:
            if not sentinel.process.running:
                continue
            await sentinel.command("SENTINEL", "DEBUG", "info-period", milliseconds)

    @property
    def now(self) -> float:
        """The journal's clock, in seconds."""
        return time.monotonic()

    def address(self, chat: ChatNode) -> Address:
        """Return where a chat server is found without a door."""
        return Address(chat.name, chat.url)

    async def metric(self, chat: ChatNode, name: str, label: str = "") -> float:
        """Return a metric of a chat server, summed over the label sets that hold `label`."""
        url = f"http://{LOOPBACK}:{chat.admin_port}/metrics"
        async with asyncio.timeout(5), self.load.http.get(url) as got:
            lines = (await got.text()).splitlines()
        found = [one for one in lines if re.match(rf"{name}(\{{|\s)", one) and label in one]
        return sum(float(one.rsplit(" ", 1)[1]) for one in found)

    @property
    def chat_names(self) -> list[str]:
        return [chat.name for chat in self.cluster.chats]

    async def ask(self, chat: ChatNode, path: str) -> dict[str, Any]:
        """GET a path of a chat server as its operator."""
        headers = {"Authorization": f"Bearer {self.load.token('operator')}"}
        async with asyncio.timeout(5), self.load.http.get(chat.url + path, headers=headers) as got:
            found: dict[str, Any] = msgspec.json.decode(await got.read())
            return found
