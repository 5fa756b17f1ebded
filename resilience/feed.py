"""The feed: what all nodes committed, in order, without gaps, to the listener of this one."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Final

from chat.engine import Listener
from chat.errors import Unavailable
from chat.log import Event, Position
from resilience import channel, keys
from resilience.heads import behind
from resilience.known import Known
from resilience.reader import Question, Reader
from resilience.records import Records
from resilience.stream import Stream
from resilience.subscriber import Subscriber
from resilience.succession import Succession

LOOK_S: Final = 2.0  # how often the heads are compared: finds a lost last message
PATIENCE_S: Final = 0.02  # two nodes' news of one room may come in the wrong order
PAGE: Final = 500  # events of one read that fills a gap

OnNews = Callable[[str, channel.News], None]


class Feed:
    """Follows rooms by pub/sub, with the log to fall back on.

    A gap, a new subscription, a new generation and the clock lead to the same: the room is
    looked at, and what is missing is read from the log.
    """

    def __init__(
        self,
        succession: Succession,
        reader: Reader,
        known: Known,
        records: Records,
        listener: Listener,
        on_news: OnNews,
        random: Random,
    ) -> None:
        self.subscriber = Subscriber(succession, random)
        self._reader = reader
        self._known = known
        self._records = records
        self._listener = listener
        self._on_news = on_news
        self._loop = asyncio.get_running_loop()
        self._streams: dict[str, Stream] = {}
        self._suspects: set[str] = set()
        self._look = asyncio.Event()
        self.gaps = 0
        self.filled = 0
        self.garbled = 0

    @property
    def rooms(self) -> list[str]:
        """The rooms that are followed."""
        return list(self._streams)

    def hears(self, room: str) -> bool:
        """Tell whether the room is followed."""
        return room in self._streams

    async def follow(self, room: str) -> Position:
        """Hear the room: subscribed first, then its head is read; `Unavailable` if that fails."""
        stream = self._streams.get(room)
        if stream is None:
            stream = self._streams[room] = Stream(room)
            self.subscriber.subscribe(
                keys.channel(room), partial(self._hear, stream), partial(self._suspect, room)
            )
        stream.waiting += 1
        try:
            async with asyncio.timeout(self._reader.hold_s):
                return await stream.begun()
        except TimeoutError:
            raise Unavailable from None
        finally:
            stream.waiting -= 1
            self._give_up(stream)

    def _give_up(self, stream: Stream) -> None:
        """Follow no more what never began, once nobody waits for it."""
        begun = stream.position is not None or stream.waiting
        if not begun and self._streams.get(stream.room) is stream:
            self.unfollow(stream.room)

    def unfollow(self, room: str) -> None:
        """Hear the room no more."""
        if self._streams.pop(room, None) is not None:
            self._suspects.discard(room)
            self.subscriber.unsubscribe(keys.channel(room))

    async def run(self) -> None:
        """Listen and look until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.subscriber.run(), name="feed")
            group.create_task(self._fill(), name="feed filler")
            group.create_task(self._compare(), name="feed heads")

    def _hear(self, stream: Stream, payload: bytes) -> None:
        news = channel.decode(payload)
        match news:
            case None:
                self.garbled += 1
            case channel.Committed():
                self._advance(stream, news)
            case channel.Head():
                if stream.position != Position(news.epoch, news.seq):
                    self._suspect(stream.room)
            case _:
                self._on_news(stream.room, news)

    def committed(self, room: str, news: channel.News, *, more: bool) -> None:
        """Take what this node itself committed, a round trip before the channel brings it."""
        stream = self._streams.get(room)
        if stream is not None and isinstance(news, channel.Committed):
            self._advance(stream, news, more=more)

    def _advance(
        self, stream: Stream, news: channel.Committed, *, more: bool | None = None
    ) -> None:
        """Show the next events; what does not join on is waited for, then looked up in the log.

        `more` is None for what came by the channel, as the listener is told it.
        """
        position = stream.position
        if position is None or position.epoch != news.epoch:
            stream.keep(news)
            self._suspect(stream.room)
        elif news.first > position.seq + 1:
            stream.keep(news)
            self._wait(stream)
        elif news.first + len(news.payloads) > position.seq + 1:  # less is the echo of our own
            self._show(stream, news, more=more)
            if stream.keeps:
                self._take_kept(stream)

    def _wait(self, stream: Stream) -> None:
        if not stream.waits:
            stream.waits = True
            self._loop.call_later(PATIENCE_S, self._lose_patience, stream, stream.position)

    def _lose_patience(self, stream: Stream, stood: Position | None) -> None:
        """What was missing has not come: look into the log."""
        stream.waits = False
        if not stream.keeps or self._streams.get(stream.room) is not stream:
            return
        if stream.position == stood:
            self.gaps += 1
            self._suspect(stream.room)
        else:
            self._wait(stream)

    def _show(self, stream: Stream, news: channel.Committed, *, more: bool | None) -> None:
        own = more is not None
        fresh = stream.join(news, None if own else self._records)
        if fresh and stream.position is not None:
            if not own:  # of our own the lane has taken note
                self._known.note(stream.room, news.epoch, stream.position.seq)
            self._listener.committed(stream.room, news.epoch, fresh, more=more)

    def _suspect(self, room: str) -> None:
        self._suspects.add(room)
        self._look.set()

    async def _fill(self) -> None:
        """Look at suspects as they come; one that can't be read holds no other up."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._look.wait()
                self._look.clear()
                for stream in self._take_suspects():
                    group.create_task(self._examine(stream))

    def _take_suspects(self) -> list[Stream]:
        """Return whom to look at; who is looked at already stays suspect until that is over."""
        suspects = [self._streams[room] for room in self._suspects if room in self._streams]
        self._suspects = {stream.room for stream in suspects if stream.examined}
        taken = [stream for stream in suspects if not stream.examined]
        for stream in taken:
            stream.examined = True
        return taken

    async def _compare(self) -> None:
        """Suspect, every two seconds, every room of which the log does not end where it stands."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                late = await behind(self._reader, list(self._streams.values()))
            except Unavailable:
                continue  # nothing to be had now; the next look comes
            for stream in late:
                self._suspect(stream.room)

    async def _examine(self, stream: Stream) -> None:
        """Bring one stream to the head of its log."""
        try:
            if not self.subscriber.hears(keys.channel(stream.room)):
                return  # its confirmation makes it suspect again
            while await self._read_on(stream):
                pass
        except Unavailable:
            return  # nothing to be had now; the next look comes
        finally:
            stream.examined = False
            if stream.room in self._suspects:
                self._look.set()

    async def _read_on(self, stream: Stream) -> bool:
        """Read a page after the stream's place; True if there is more."""
        before = stream.position
        which = "head" if before is None else "after"
        bound = 0 if before is None else before.seq
        page = await self._reader.page(Question(stream.room, which, bound, PAGE))
        if self._streams.get(stream.room) is not stream:
            return False
        if before is None:
            stream.begin(Position(page.epoch, page.head))
        elif stream.is_lost(before, page):
            stream.begin(Position(page.epoch, page.head))
            self._listener.lost(stream.room, Position(page.epoch, page.head))
        else:
            self._tell(stream, stream.fill(page))
        self._take_kept(stream)
        return stream.position is not None and stream.position.seq < page.head

    def _tell(self, stream: Stream, fresh: Sequence[Event]) -> None:
        if fresh and stream.position is not None:
            self.filled += len(fresh)
            self._listener.committed(stream.room, stream.position.epoch, fresh)

    def _take_kept(self, stream: Stream) -> None:
        """Show what came meanwhile as far as it joins on; of another epoch the log has all."""
        for news in stream.kept():
            if stream.position is not None and stream.position.epoch == news.epoch:
                self._advance(stream, news)
