"""Leases: a node lives as long as it says so; what a dead one left behind is taken away."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from chat.errors import Unavailable
from resilience import keys
from resilience.courier import Courier
from resilience.link import Command, Reply
from resilience.reports import Reports
from resilience.scripts import LEASE, VACATE

_log: Final = logging.getLogger("holdfast.lease")

LEASE_MS: Final = 5_000
BEAT_S: Final = 1.5  # so a dead node is known dead twice in a row after at most 8 s


class Lease:
    """Renews this node's lease; one write per node, not per session.

    A node counts as dead when its lease had lapsed in two beats on end: after a failover, in
    which nobody could renew, each has a beat's time to do so.
    """

    def __init__(self, node: str, courier: Courier, reports: Reports) -> None:
        self.node = node
        self.reports = reports
        self.live: frozenset[str] = frozenset({node})
        self.on_lapsed: list[Callable[[], None]] = []
        self.on_died: list[Callable[[str], None]] = []
        self._courier = courier
        self._doomed: frozenset[str] = frozenset()
        self._buried: set[str] = set()  # and not cleared away yet
        self._dying = asyncio.Event()
        self.lapses = 0

    def hear(self, node: str) -> None:
        """A node told something: it lives, whatever the last beat knew of it; the next one asks."""
        if node not in self.live:
            self.live |= {node}

    async def run(self) -> None:
        """Renew, and clear away beside it what may take longer than a lease, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew(), name="lease renewal")
            group.create_task(self._clear_away(), name="clearing away")

    async def _renew(self) -> None:
        while True:
            try:
                await self._beat()
            except Unavailable:
                self._doomed = frozenset()
            await asyncio.sleep(BEAT_S)

    async def _beat(self) -> None:
        call = LEASE.eval((keys.NODES,), self.node, LEASE_MS)
        lease, _, reports = await self._courier.ask([call, *self.reports.exchange()])
        match lease:
            case [int(lapsed), list(live), list(dead)]:
                if lapsed:
                    self.lapses += 1
                    for assert_again in self.on_lapsed:
                        assert_again()
                gone = _names(dead)
                self.live = (_names(live) | (self.live & gone)) - (gone & self._doomed)
                for node in (gone & self._doomed) - self._buried:
                    self._bury(node)
                self._doomed = gone
        self.reports.keep(reports, self.live)

    def _bury(self, node: str) -> None:
        _log.warning("node_died", extra={"dead": node})
        for tell in self.on_died:
            tell(node)
        self._buried.add(node)
        self._dying.set()

    async def _clear_away(self) -> None:
        while True:
            await self._dying.wait()
            self._dying.clear()
            for node in tuple(self._buried):
                with suppress(Unavailable):  # it counts as dead until it is cleared: once more
                    await self._clear(node)
                self._buried.discard(node)

    async def _clear(self, node: str) -> None:
        """Take away all that a node left; several may do so at once."""
        rooms = (await self._courier.ask([("HKEYS", keys.node_rooms(node))]))[0]
        vacating = [VACATE.eval((keys.members(room),), node) for room in _names(rooms)]
        end: list[Command] = [
            ("DEL", keys.node_rooms(node), keys.node_connections(node)),
            ("ZREM", keys.NODES, node),
            ("HDEL", keys.REPORTS, node),
        ]
        await self._courier.ask_in_parts(vacating)
        await self._courier.ask(end)

    async def give_up(self) -> None:
        """Leave in good order: the others need not wait for the lease to end."""
        await self._clear(self.node)


def _names(reply: Reply) -> frozenset[str]:
    if not isinstance(reply, list):
        return frozenset()
    return frozenset(name.decode(errors="replace") for name in reply if isinstance(name, bytes))
