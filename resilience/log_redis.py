"""The log on Redis: rooms are hashed to lanes, reads share barriers, the feed tells."""

import zlib
from collections.abc import Sequence

from chat.log import Answer, Draft, MessageLog, Page, Position
from resilience.feed import Feed
from resilience.lane import Lane
from resilience.reader import Question, Reader


class RedisLog(MessageLog):
    """The `MessageLog` on Redis: rooms are hashed to lanes, reads share barriers."""

    def __init__(self, lanes: Sequence[Lane], reader: Reader, feed: Feed) -> None:
        self.lanes = lanes
        self.reader = reader
        self.feed = feed

    def submit(self, draft: Draft, answer: Answer) -> None:
        """Append; held while the storage is away."""
        lane = zlib.crc32(draft.room.encode()) % len(self.lanes)
        self.lanes[lane].submit(draft, answer)

    async def read(
        self, room: str, *, after: int | None = None, before: int | None = None, limit: int
    ) -> Page:
        """Return a page that the ack rule covers."""
        if after is not None:
            return await self.reader.page(Question(room, "after", after, limit))
        if before is not None:
            return await self.reader.page(Question(room, "before", before, limit))
        return await self.reader.page(Question(room, "last", 0, limit))

    async def follow(self, room: str) -> Position:
        """Make this node hear the room."""
        return await self.feed.follow(room)

    def unfollow(self, room: str) -> None:
        """Hear it no more."""
        self.feed.unfollow(room)
