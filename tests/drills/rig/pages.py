"""A reader of history by REST, during the drill and, for the final log, after it."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any, Final

import aiohttp
import msgspec

from tests.drills.history import Entry, LogRead, Page
from tests.drills.rig.device import entry
from tests.drills.rig.journal import Journal
from tests.drills.rig.wire import Address

FULL_PAGE: Final = 100
LAST: Final = 20
_ANSWER: Final = 17.0  # seconds; the server holds a read for 15
UNANSWERED: Final = (aiohttp.ClientError, OSError, TimeoutError)


async def page(
    http: aiohttp.ClientSession, address: Address, token: str, room: str, **query: int
) -> dict[str, Any]:
    """Return one page; raises one of `UNANSWERED`."""
    url = f"{address.url}/v1/rooms/{room}/messages"
    headers = {"Authorization": f"Bearer {token}"}
    async with asyncio.timeout(_ANSWER), http.get(url, params=query, headers=headers) as answer:
        answer.raise_for_status()
        found: dict[str, Any] = msgspec.json.decode(await answer.read())
        return found


class Historian:
    """Reads the last few messages of some room, from some node, again and again."""

    def __init__(self, token: str, rooms: Sequence[str], journal: Journal, random: Random) -> None:
        self._token = token
        self._rooms = rooms
        self._journal = journal
        self._random = random
        self.reads: list[float] = []

    async def run(
        self, http: aiohttp.ClientSession, addresses: Sequence[Address], period: float
    ) -> None:
        """Read until cancelled, `period` seconds apart on the average."""
        while True:
            await asyncio.sleep(self._random.uniform(0, 2 * period))
            room, address = self._random.choice(self._rooms), self._random.choice(addresses)
            try:
                await self.look(http, address, room, LAST)
            except UNANSWERED:
                continue

    async def look(
        self, http: aiohttp.ClientSession, address: Address, room: str, limit: int
    ) -> None:
        """Read a room's last messages and record them; raises one of `UNANSWERED`."""
        began = self._journal.recorder.now()
        found = await page(http, address, self._token, room, limit=limit)
        entries = tuple(map(entry, found["items"]))
        record = Page(
            began=began,
            room=room,
            epoch=found["epoch"],
            head=found["head"],
            limit=limit,
            entries=entries,
        )
        self._journal.recorder.add(record)
        self.reads.append(record.t / 1e9)


async def whole_log(
    http: aiohttp.ClientSession, address: Address, token: str, room: str
) -> LogRead:
    """Read a room's whole log from one chat server."""
    entries: list[Entry] = []
    while True:
        after = entries[-1].seq if entries else 0
        found = await page(http, address, token, room, after=after, limit=FULL_PAGE)
        entries += map(entry, found["items"])
        if not found["items"]:
            return LogRead(
                source=address.node, room=room, epoch=found["epoch"], entries=tuple(entries)
            )
