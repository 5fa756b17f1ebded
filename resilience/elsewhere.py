"""Whether other nodes hear a room: what only this one would hear again need not be published."""

from collections.abc import Callable, Sequence
from typing import Final

from resilience import keys
from resilience.link import Command, Reply

Hearing = Callable[[str], object | None]

_UNKNOWN: Final = -1


class Elsewhere:
    """A question behind the appends to some rooms, in their round trip.

    Whoever subscribes after it was answered reads the log after that, and finds there what was
    appended (feed.py). One subscription is this node's own, if it stood before the question and
    stands, unbroken, after the answer. A node that is told nothing because ours had ended without
    our knowledge finds what it missed by the next message, or its next look at the heads.
    """

    def __init__(self, hearing: Hearing, rooms: Sequence[str]) -> None:
        """`hearing` returns what stands for this node's own unbroken subscription to a room."""
        self._hearing = hearing
        self._own = [(room, hearing(room)) for room in rooms]

    @property
    def question(self) -> Command:
        """Return the command that counts the subscriptions of each room."""
        return ("PUBSUB", "NUMSUB", *[keys.channel(room) for room, _ in self._own])

    def rooms(self, reply: Reply) -> set[str]:
        """Return the rooms that others hear, or may: a reply that is none says nothing."""
        if not isinstance(reply, list) or len(reply) != 2 * len(self._own):
            return {room for room, _ in self._own}
        counted = zip(self._own, reply[1::2], strict=True)
        return {room for (room, own), count in counted if count != self._mine(room, own)}

    def _mine(self, room: str, own: object | None) -> int:
        now = self._hearing(room)
        if own is now:
            return 0 if own is None else 1
        return _UNKNOWN
