"""Whether other nodes hear a room: what only this one would hear again need not be published."""

from collections.abc import Callable, Sequence

from resilience import keys
from resilience.link import Command, Reply

Hearing = Callable[[Sequence[bytes]], list[object | None]]


class Elsewhere:
    """A question behind the appends to some rooms, in their round trip.

    Whoever subscribes after it was answered reads the log after that, and finds there what was
    appended (feed.py). One subscription is this node's own, if it stood before the question and
    stands, unbroken, after the answer. A node that is told nothing because ours had ended without
    our knowledge finds what it missed by the next message, or its next look at the heads.
    """

    def __init__(self, hearing: Hearing, rooms: Sequence[str]) -> None:
        """`hearing` returns what stands for this node's own unbroken subscriptions to channels."""
        self._hearing = hearing
        self._rooms = rooms
        self._channels = [keys.channel(room) for room in rooms]
        self._own = hearing(self._channels)

    @property
    def question(self) -> Command:
        """Return the command that counts the subscriptions of each room."""
        return ("PUBSUB", "NUMSUB", *self._channels)

    def rooms(self, reply: Reply) -> set[str]:
        """Return the rooms that others hear, or may: a reply that is none says nothing."""
        if not isinstance(reply, list) or len(reply) != 2 * len(self._rooms):
            return set(self._rooms)
        now = self._hearing(self._channels)
        counted = zip(self._rooms, self._own, now, reply[1::2], strict=True)
        return {
            room
            for room, before, after, count in counted
            if before is not after or count != (0 if after is None else 1)
        }
