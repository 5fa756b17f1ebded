"""A fault that only the server itself can suffer: what it publishes to the other nodes is lost."""

from random import Random
from typing import Final

from resilience import channel
from resilience.lane import Lane

LOST: Final = 0.05  # of all batches
QUIET: Final = "drill-quiet"  # a room of which nothing gets through


def mute() -> None:
    """Lose some of what lanes tell the nodes, and all of one room, without an error."""
    random = Random(1)
    tell = Lane._publish

    def lose(self: Lane, room: str, news: channel.News) -> None:
        if room != QUIET and random.random() >= LOST:
            tell(self, room, news)

    Lane._publish = lose  # type: ignore[method-assign]
