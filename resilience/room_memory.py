"""One room's log in memory: the newest events, in a ring."""

from collections.abc import Sequence

from chat.log import Draft, Event


class RoomLog:
    """The newest `history` events of a room; `seq` stands at (seq - 1) mod `history`."""

    __slots__ = ("_history", "_ring", "head", "ts")

    def __init__(self, history: int) -> None:
        self._history = history
        self._ring: list[Event] = []
        self.head = 0
        self.ts = 0

    def __len__(self) -> int:
        return len(self._ring)

    @property
    def tail(self) -> int:
        """The first seq that is still kept."""
        return self.head - len(self) + 1

    def add(self, draft: Draft, wall: int) -> Event:
        """Give the draft the next place; the time of a room never goes back."""
        self.head += 1
        self.ts = max(self.ts, wall)
        event = Event(self.head, draft.payload(self.head, self.ts), draft.traceparent)
        if len(self) < self._history:
            self._ring.append(event)
        else:
            self._ring[(self.head - 1) % self._history] = event
        return event

    def read(self, after: int | None, before: int | None, limit: int) -> Sequence[Event]:
        """Return what is kept of the events that `MessageLog.read` asks for."""
        if after is not None:
            first = max(after + 1, self.tail)
            return self._slice(first, min(first + limit - 1, self.head))
        last = self.head if before is None else min(before - 1, self.head)
        return self._slice(max(last - limit + 1, self.tail), last)

    def _slice(self, first: int, last: int) -> list[Event]:
        return [self._ring[(seq - 1) % self._history] for seq in range(first, last + 1)]
