"""Watching all sentinels at once: their events by subscription, their views by polling beside."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final

from chat.errors import Refusal
from resilience.address import Address
from resilience.backoff import persist
from resilience.dialer import PROBE_S
from resilience.election import View, called_down, count_sentinels, listed
from resilience.link import Command, Link, LinkLost, Opener, Reply, ReplyError
from resilience.replies import Garbled, master, number, replicas

_log: Final = logging.getLogger("holdfast.sentinel")

POLL_S: Final = 0.5
POLL_AWAY_S: Final = 0.1  # while there is no master
GATHER_S: Final = 2 * PROBE_S  # to connect, and to answer
SILENCE_S: Final = 1.0  # then the subscription is asked whether it lives
EVENTS: Final = (
    "+switch-master",
    "+selected-slave",
    "+promoted-slave",
    "+sdown",
    "-sdown",
    "+odown",
    "-odown",
    "+failover-end",
    "+config-update-from",
    "-failover-abort-no-good-slave",
    "-failover-abort-slave-timeout",
)
_SELECTED: Final = 8  # fields of +selected-slave: slave <name> <ip> <port> @ <master> <ip> <port>

OnSelected = Callable[[Address, Address], None]


class SentinelWatch:
    """Keeps the latest view of each sentinel; `on_view` is called with each one.

    `on_news` is called too when one differs from that before.

    `on_selected(master, successor)` is called at once: it is the first sign that a master will
    be replaced, 50-100 ms before it is.
    """

    def __init__(
        self,
        sentinels: Sequence[Address],
        name: str,
        opener: Opener,
        random: Random,
    ) -> None:
        self.sentinels = tuple(sentinels)
        self.name = name
        self.on_view: Callable[[], None] = lambda: None
        self.on_news: Callable[[], None] = lambda: None
        self.on_selected: OnSelected = lambda _old, _successor: None
        self._hurry = True
        self._opener = opener
        self._random = random
        self._loop = asyncio.get_running_loop()
        self._born = self._loop.time()
        self._views: dict[Address, View] = {}
        self.live: dict[Address, bool] = dict.fromkeys(sentinels, False)
        self.events = 0
        self._sessions: set[_Session] = set()

    @property
    def gathered(self) -> bool:
        """Whether each sentinel has answered once, or had the time to: the first may be wrong."""
        waited = self._loop.time() - self._born
        return len(self._views) == len(self.sentinels) or waited > GATHER_S

    @property
    def hurry(self) -> bool:
        """Whether to poll often, because there is no master."""
        return self._hurry

    @hurry.setter
    def hurry(self, hurry: bool) -> None:
        self._hurry = hurry
        if hurry:
            for session in self._sessions:
                session.poke.set()

    def called_down(self, replica: Address) -> bool:
        """Tell whether a majority of all sentinels calls the replica down."""
        return called_down(self.views, replica, self._count, self._loop.time())

    def listed(self) -> set[Address]:
        """Return the replicas that sentinels list, as far as what they said counts."""
        return listed(self.views, self._count, self._loop.time())

    @property
    def _count(self) -> int:
        return count_sentinels(self.views, len(self.sentinels))

    def view(self, sentinel: Address) -> View | None:
        """Return the latest answer of one sentinel, None if it never answered."""
        return self._views.get(sentinel)

    @property
    def views(self) -> Sequence[View]:
        """The latest answer of each sentinel that ever answered."""
        return list(self._views.values())

    async def fail_over(self) -> None:
        """Order a failover at the first sentinel that takes the order.

        Raises `unsupported` if none does: the right to it is not among those a server needs.
        """
        for session in list(self._sessions):
            try:
                if not isinstance(await session.order_failover(), ReplyError):
                    return
            except LinkLost:
                continue
        raise Refusal("unsupported", "no sentinel takes the order")

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for sentinel in self.sentinels:
                group.create_task(self._watch(sentinel), name=f"sentinel {sentinel}")

    async def _watch(self, sentinel: Address) -> None:
        while True:
            session = await persist(lambda: self._open(sentinel), self._random)
            self._sessions.add(session)
            try:
                await session.run()
            except LinkLost as lost:
                _log.warning(
                    "sentinel_lost", extra={"sentinel": str(sentinel), "reason": str(lost)}
                )
            finally:
                self.live[sentinel] = False
                self._sessions.discard(session)
                session.close()

    async def _open(self, sentinel: Address) -> "_Session":
        session = _Session(self, sentinel)
        try:
            await session.open(self._opener)
        except BaseException:
            session.close()
            raise
        self.live[sentinel] = True
        return session

    def keep(self, sentinel: Address, view: View) -> None:
        """Take a view in."""
        before = self._views.get(sentinel)
        self._views[sentinel] = view
        self.on_view()
        if before is None or (before.master, before.replicas) != (view.master, view.replicas):
            self.on_news()

    def hear(self, channel: str, fields: Sequence[str]) -> None:
        """Take an event in."""
        self.events += 1
        if channel != "+selected-slave" or len(fields) < _SELECTED or fields[5] != self.name:
            return
        with suppress(Garbled):
            successor = Address(fields[2], number(fields[3]))
            self.on_selected(Address(fields[6], number(fields[7])), successor)


class _Session:
    """Two links to one sentinel: one is asked, one listens."""

    def __init__(self, watch: SentinelWatch, sentinel: Address) -> None:
        self._watch = watch
        self._sentinel = sentinel
        self._links: list[Link] = []
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self.poke = asyncio.Event()
        self._questions: tuple[Command, ...] = (
            ("SENTINEL", "MASTER", watch.name),
            ("SENTINEL", "REPLICAS", watch.name),
        )

    async def open(self, opener: Opener) -> None:
        listening = await opener.open(self._sentinel, timeout_s=PROBE_S, on_push=self._push)
        self._links.append(listening)
        listening.tell([("SUBSCRIBE", *EVENTS)])
        self._links.append(await opener.open(self._sentinel, timeout_s=PROBE_S))
        await self._ask()

    async def run(self) -> None:
        while True:
            pause = POLL_AWAY_S if self._watch.hurry else POLL_S
            try:
                async with asyncio.timeout(pause):
                    await self.poke.wait()
            except TimeoutError:
                pass
            self.poke.clear()
            self._check_silence()
            await self._ask()

    async def order_failover(self) -> Reply:
        """Order it; the sentinel answers OK, or why not."""
        orders: list[Command] = [("SENTINEL", "FAILOVER", self._watch.name)]
        return (await self._links[1].pipeline(orders, PROBE_S))[0]

    async def _ask(self) -> None:
        asked = self._loop.time()
        named, seen = await self._links[1].pipeline(self._questions, PROBE_S)
        self._watch.keep(self._sentinel, View(asked, master(named), replicas(seen)))

    def _check_silence(self) -> None:
        silence = self._loop.time() - self._heard
        if self._links[0].closed or silence > 2 * SILENCE_S + POLL_S:
            raise LinkLost("the subscription is silent")
        if silence > SILENCE_S:
            self._links[0].tell([("PING",)])

    def _push(self, message: list[Any]) -> None:
        self._heard = self._loop.time()
        match message:
            case [b"message", bytes(channel), bytes(payload)]:
                fields = payload.decode(errors="replace").split(" ")
                self._watch.hear(channel.decode(errors="replace"), fields)
                self.poke.set()

    def close(self) -> None:
        for link in self._links:
            link.close("the watch is over")
