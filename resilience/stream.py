"""One followed room: where its stream stands, and what waits for a gap to be filled. Pure."""

import asyncio
from collections.abc import Sequence
from typing import Final

from chat.log import Event, Page, Position
from resilience.channel import Committed
from resilience.records import Records

KEPT: Final = 256  # batches kept while the log is read; the log has them all anyhow


class Stream:
    """The place up to which the listener was told, None until the stream has begun."""

    __slots__ = ("_begun", "_kept", "examined", "position", "room", "waiting", "waits")

    def __init__(self, room: str) -> None:
        self.room = room
        self.position: Position | None = None
        self.waiting = 0  # so many want to know where it begins
        self.examined = False  # its log is being read
        self._begun: asyncio.Event = asyncio.Event()
        self._kept: list[Committed] = []
        self.waits = False  # for what came between to come by the channel

    async def begun(self) -> Position:
        """Return the place, waiting until there is one."""
        await self._begun.wait()
        if self.position is None:
            raise RuntimeError("begun without a place")
        return self.position

    def begin(self, place: Position) -> None:
        """Begin at a place, or begin anew there after a loss."""
        self.position = place
        self._begun.set()

    @property
    def keeps(self) -> bool:
        """Whether anything is kept."""
        return bool(self._kept)

    def keep(self, news: Committed) -> None:
        """Keep what does not join on yet."""
        if len(self._kept) < KEPT:
            self._kept.append(news)

    def kept(self) -> list[Committed]:
        """Give back what was kept, by its place."""
        kept, self._kept = self._kept, []
        return sorted(kept, key=lambda news: news.first)

    def is_lost(self, before: Position, page: Page) -> bool:
        """Tell whether a page, read when the stream stood at `before`, can't join on it."""
        if before.epoch != page.epoch or page.head < before.seq:
            return True
        return self.position is None or page.tail > self.position.seq + 1

    def fill(self, page: Page) -> Sequence[Event]:
        """Move on over a page of the log; return the new events. The page may lack bad records."""
        place = self.position
        if place is None:
            return ()
        last = page.events[-1].seq if page.events else page.head
        if last <= place.seq:
            return ()
        self.position = Position(place.epoch, last)
        return [event for event in page.events if event.seq > place.seq]

    def join(self, news: Committed, records: Records | None) -> Sequence[Event]:
        """Move on over news that begin at most one above the place; return the new events.

        None for `records`: they are our own words, and not what anybody could have published.
        """
        place = self.position
        if place is None or place.epoch != news.epoch or news.first > place.seq + 1:
            return ()
        last = news.first + len(news.payloads) - 1
        if last <= place.seq:
            return ()
        fresh = news.payloads[place.seq + 1 - news.first :]
        self.position = Position(place.epoch, last)
        numbered = enumerate(fresh, place.seq + 1)
        if records is None:
            return [Event(seq, payload, news.traces.get(seq)) for seq, payload in numbered]
        found = (
            records.event(self.room, seq, payload, news.traces.get(seq))
            for seq, payload in numbered
        )
        return [event for event in found if event is not None]
