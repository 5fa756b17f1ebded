"""Who listens where on this node: the listener of the engine, and the way out to the sockets."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from chat.engine import Storage
from chat.frames import PresenceChange, User, encode
from chat.log import Event, MessageLog, Position
from chat.names import CANARY_ROOM
from chat.presence import Order
from chat.room import Outlet, Room, Tally
from chat.tracing import Deliveries, Delivery

# The system call is what a message costs, 5 µs a listener, so in a room of so many it waits for
# what can leave with it. If this node is committing more of the room: for that, and no longer. What
# follows another node's message is not known here: that waits for the end of a rest after the last
# flush, twice as long as its writes take.
MANY: Final = 50
GATHERING_S: Final = 10e-3  # at most, should the next commit fail
REST_PER_LISTENER_S: Final = 10e-6
REST_MOST_S: Final = 50e-3

Later = Callable[[float, Callable[[], None]], object]


class Hub:
    """The rooms of this node.

    `wake` asks for one `flush` in the next turn of the loop: all that gathers until then leaves
    in one write per socket. `later` calls back after so many seconds. `wall` gives epoch
    milliseconds, for the age of what is delivered.
    """

    def __init__(self, wake: Callable[[], None], later: Later, wall: Callable[[], int]) -> None:
        self._wake = wake
        self._later = later
        self._rooms: dict[str, Room] = {}
        self._dirty: set[Room] = set()
        self.on_storage: Callable[[Storage], None] = lambda _: None
        self.on_order: Callable[[Order], None] = lambda _: None
        self.tally = Tally(wall)
        self._unheard = Tally(wall)  # of the servers' own messages, which are nobody's delivery
        self.deliveries: Deliveries | None = None  # who traces them, if anybody does

    def enter(self, name: str, outlet: Outlet, *, watch: bool) -> None:
        """Put an outlet into the room, not live yet: what happens from now on is kept for it."""
        room = self._rooms.get(name)
        if room is None:
            tally = self._unheard if name == CANARY_ROOM else self.tally
            room = self._rooms[name] = Room(name, tally)
        room.enter(outlet, watch=watch)

    async def follow(self, log: MessageLog, name: str) -> None:
        """Make sure that this node hears the room; the node's place is never moved by a join."""
        room = self._rooms[name]
        if room.position is not None:
            return
        position = await log.follow(name)
        if room.position is None:
            room.position = position

    def settle(self, name: str, outlet: Outlet, shown: Position) -> bool:
        """Go live after the past up to `shown`; False: catch up again from there."""
        return self._rooms[name].settle(outlet, shown)

    def leave(self, log: MessageLog, name: str, outlet: Outlet) -> None:
        """Take an outlet out; a room with nobody left is not followed any more."""
        room = self._rooms.get(name)
        if room is None:
            return
        room.leave(outlet)
        if room.empty:
            del self._rooms[name]
            self._dirty.discard(room)
            log.unfollow(name)

    def flush(self) -> list[Delivery]:
        """Hand out what the rooms gathered since the last time; return what of it is traced."""
        while self._dirty:
            room = self._dirty.pop()  # one that fails keeps the others waiting, and no longer
            room.flush()
            room.hold, room.gathering = None, False
            if len(room.live) >= MANY:
                self._hold(room, min(REST_PER_LISTENER_S * len(room.live), REST_MOST_S))
        traced, self.tally.traced = self.tally.traced, []
        return traced

    def _hold(self, room: Room, seconds: float) -> None:
        """Keep what a room gathers, for so long at most."""
        room.hold = hold = object()
        self._later(seconds, partial(self._end, room, hold))

    def _end(self, room: Room, hold: object) -> None:
        """The time is over of a hold, or of one that has ended before."""
        if room.hold is hold:
            room.hold = None
            if room.pending and not room.empty:
                self._mark(room)

    def _mark(self, room: Room) -> None:
        if not self._dirty:
            self._wake()
        self._dirty.add(room)

    def committed(
        self, room: str, epoch: str, events: Sequence[Event], *, more: bool | None = None
    ) -> None:
        """Take the next safe events of a room from the engine."""
        here = self._rooms.get(room)
        if here is None or not events:
            return
        if self.deliveries is not None:
            self._trace(here, events, self.deliveries)
        here.commit(Position(epoch, events[-1].seq), events)
        if more and not here.gathering and len(here.live) >= MANY:
            here.gathering = True
            self._hold(here, GATHERING_S)
        elif more is not None or here.hold is None:
            self._mark(here)

    def _trace(self, room: Room, events: Sequence[Event], deliveries: Deliveries) -> None:
        for event in events:
            if event.traceparent is not None:
                delivery = deliveries.deliver(event.traceparent, event.seq)
                if delivery is not None:
                    room.traced.append((event, delivery))

    def lost(self, room: str, position: Position) -> None:
        """Tell everyone in the room that its history was lost."""
        here = self._rooms.get(room)
        if here is not None:
            for outlet in here.restart(position):
                outlet.resync(room)

    def signalled(self, room: str, payload: bytes) -> None:
        """Pass an ephemeral frame on."""
        here = self._rooms.get(room)
        if here is not None:
            here.whisper(payload, list(here.live))

    def presence_changed(
        self, room: str, count: int, join: Sequence[User], leave: Sequence[str]
    ) -> None:
        """Tell those who asked for it who came and who went."""
        here = self._rooms.get(room)
        if here is None or not here.watchers:
            return
        change = PresenceChange(
            room=room, count=count, join=list(join) or None, leave=list(leave) or None
        )
        here.whisper(encode(change), list(here.watchers))

    def storage_changed(self, storage: Storage) -> None:
        """Pass the news of the storage on."""
        self.on_storage(storage)

    def ordered(self, order: Order) -> None:
        """Pass an administrator's order on."""
        self.on_order(order)

    def statistics(self) -> dict[str, int]:
        """Return counts for health and metrics: rooms, live and catching listeners."""
        rooms = [room for name, room in self._rooms.items() if name != CANARY_ROOM]
        return {
            "rooms": len(rooms),
            "live": sum(len(room.live) for room in rooms),
            "catching": sum(len(room.catching) for room in rooms),
        }
