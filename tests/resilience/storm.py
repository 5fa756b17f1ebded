"""Publishers that never give up, and the account of what they were told."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from chat.errors import Unavailable
from chat.log import Event, MessageLog, Receipt
from tests.resilience.nodes import Node
from tests.resilience.recorder import body, draft

ROOMS: Final = ("attic", "cellar", "den", "hall", "loft", "porch")
PAGE: Final = 500


@dataclass
class Ack:
    """A receipt, when it was asked for and when it came (the loop's clock)."""

    room: str
    cid: str
    receipt: Receipt
    asked: float
    came: float


@dataclass
class Storm:
    """Publishers on several nodes, one message at a time each, until `stop` is set."""

    nodes: list[Node]
    publishers: int = 50
    rooms: tuple[str, ...] = ROOMS
    pause_s: float = 0.005
    acks: list[Ack] = field(default_factory=list)
    longest_s: float = 0.0
    held: int = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def rage(self) -> None:
        """Publish until stopped, then until everything is answered."""
        async with asyncio.TaskGroup() as group:
            for number in range(self.publishers):
                group.create_task(self._publish(number))

    async def acked(self, more: int) -> None:
        """Return when so many more were acknowledged."""
        goal = len(self.acks) + more
        while len(self.acks) < goal:
            await asyncio.sleep(0.01)

    async def _publish(self, number: int) -> None:
        count = 0
        while not self.stop.is_set():
            count += 1
            room = self.rooms[(number + count) % len(self.rooms)]
            node = self.nodes[(number + count // 7) % len(self.nodes)]
            await self._say(node.log, room, f"u{number}", f"{number}-{count}")
            await asyncio.sleep(self.pause_s)

    async def _say(self, log: MessageLog, room: str, user: str, cid: str) -> None:
        loop = asyncio.get_running_loop()
        asked = loop.time()
        while True:
            tried = loop.time()
            try:
                receipt = await log.append(draft(cid, room=room, user=user, cid=cid))
            except Unavailable:
                self.held += 1
                self.longest_s = max(self.longest_s, loop.time() - tried)
                await asyncio.sleep(0.1)
                continue
            self.longest_s = max(self.longest_s, loop.time() - tried)
            self.acks.append(Ack(room, cid, receipt, asked, loop.time()))
            return

    def check(self, room: str, events: list[Event]) -> None:
        """Hold the final log of a room against all that was acknowledged."""
        places = {body(event)["cid"]: event.seq for event in events}
        assert [event.seq for event in events] == list(range(1, len(events) + 1)), "holes"
        assert len(places) == len(events), "a message stands twice"
        acked = [ack for ack in self.acks if ack.room == room]
        lost = [ack.cid for ack in acked if ack.cid not in places]
        assert lost == [], "acknowledged and lost"
        assert [a.cid for a in acked if places[a.cid] != a.receipt.seq] == [], "moved"
        assert set(places) == {ack.cid for ack in acked}, "a message that nobody was told of"
        for before, after in realtime_pairs(acked):
            assert before.receipt.seq < after.receipt.seq, "reordered"


def realtime_pairs(acks: list[Ack]) -> list[tuple[Ack, Ack]]:
    """Pair each ack with the highest place that had been acknowledged before it was asked."""
    pairs = []
    by_end = sorted(acks, key=lambda ack: ack.came)
    highest: Ack | None = None
    index = 0
    for ack in sorted(acks, key=lambda ack: ack.asked):
        while index < len(by_end) and by_end[index].came < ack.asked:
            if highest is None or by_end[index].receipt.seq > highest.receipt.seq:
                highest = by_end[index]
            index += 1
        if highest is not None:
            pairs.append((highest, ack))
    return pairs


async def whole_log(log: MessageLog, room: str) -> list[Event]:
    """Read a room from its beginning to its head."""
    events: list[Event] = []
    while True:
        page = await log.read(room, after=len(events), limit=PAGE)
        events.extend(page.events)
        if not page.events or page.events[-1].seq >= page.head:
            return events
