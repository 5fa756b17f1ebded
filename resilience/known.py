"""What this node knows to be committed: the highest place of each room that it acked or showed."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from chat.log import Position

ROOMS: Final = 50_000  # some 15 MB; the rooms longest without news are forgotten
NOTHING: Final = Position("", 0)


class Known:
    """Positions by room; the guard in history.lua renews an epoch that has less."""

    def __init__(self, rooms: int = ROOMS) -> None:
        self._rooms = rooms
        self._positions: OrderedDict[str, Position] = OrderedDict()

    def __len__(self) -> int:
        return len(self._positions)

    def __iter__(self) -> Iterator[str]:
        """Name the rooms as of now, those with the latest news first: a lost end was news."""
        return iter(list(reversed(self._positions)))

    def get(self, room: str) -> Position:
        """Return the highest known place, of no epoch if there is none."""
        return self._positions.get(room, NOTHING)

    def note(self, room: str, epoch: str, seq: int) -> None:
        """Take in that everything up to `seq` is committed; what is known already is no news.

        Nor is that a room is empty: rooms of any name are, and would push out the others.
        """
        before = self._positions.get(room)
        if before is None and not seq:
            return
        if before is not None and before.epoch == epoch and before.seq >= seq:
            return
        self._positions[room] = Position(epoch, seq)
        self._positions.move_to_end(room)
        if len(self._positions) > self._rooms:
            self._positions.popitem(last=False)


def tokens(random: Random) -> Callable[[], str]:
    """Return a source of epochs, each one new: 64 random bits of this source, and a count."""
    stem = f"{random.getrandbits(64):016x}"
    count = 0

    def token() -> str:
        nonlocal count
        count += 1
        return f"{stem}{count:x}"

    return token
