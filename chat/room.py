"""A room on this node: who listens live, who is catching up, and what this tick has gathered."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from chat.histogram import LATENCIES, SIZES, Histogram
from chat.log import Event, Position, ts_of
from chat.tracing import Delivery

BUFFERED: Final = 1_000  # events kept for one who is catching up; who needs more reads again


class Wire(Protocol):
    """How frames travel to a kind of client: as single frames, as arrays, as a stream."""

    def frames(self, payloads: Sequence[bytes]) -> bytes:
        """Return the bytes on the wire for these JSON payloads."""
        ...


class Outlet(Protocol):
    """Where a connection's bytes go; every call returns at once."""

    @property
    def wire(self) -> Wire:
        """How this connection's frames travel; one shared object per kind."""
        ...

    def offer(self, chunk: bytes) -> None:
        """Send these bytes; never dropped silently: too slow a reader is closed instead."""
        ...

    def offer_lossy(self, chunk: bytes) -> None:
        """Send these bytes unless the reader is slow."""
        ...

    def resync(self, room: str) -> None:
        """The room's history was lost: bring this connection back in."""
        ...


class Tally:
    """What the rooms of a node have handed out, for metrics to read; `wall` gives epoch ms."""

    __slots__ = (
        "_wall",
        "deliveries",
        "delivery",
        "events",
        "fanout",
        "flushes",
        "skewed",
        "traced",
    )

    def __init__(self, wall: Callable[[], int]) -> None:
        self.flushes = 0
        self.events = 0
        self.deliveries = 0  # events times their live listeners
        self.fanout = Histogram(SIZES)  # live listeners of a flush
        self.delivery = Histogram(LATENCIES)  # seconds from an event's ts until it is handed out
        self.skewed = 0  # events whose ts lies ahead of this node's clock
        self.traced: list[Delivery] = []  # handed out and not written yet
        self._wall = wall

    def count(self, payloads: Sequence[bytes], listeners: int) -> None:
        """Count a flush of live events."""
        self.flushes += 1
        self.events += len(payloads)
        self.deliveries += len(payloads) * listeners
        self.fanout.record(listeners)
        now = self._wall()
        for payload in payloads:
            ts = ts_of(payload)
            if ts > now:
                self.skewed += 1
                self.delivery.record(0)
            elif ts:
                self.delivery.record((now - ts) / 1000)

    def trace(self, traced: Iterable[tuple[Event, Delivery]], listeners: int) -> None:
        """Hand traced events out: each is an example of how long it took."""
        now = self._wall()
        for event, delivery in traced:
            delivery.framed(listeners)
            if listeners:
                age = max(0, now - ts_of(event.payload)) / 1000
                self.delivery.exemplify(age, delivery.trace_id, now / 1000)
                self.traced.append(delivery)


class CatchUp:
    """A connection on its way into the room.

    `shown` is None while it reads; what the stream brings is kept in `buffer`, and the oldest let
    go when that is too much. Then it waits until the stream has come as far as `shown`: the log
    may be read ahead of the stream, even into an epoch the stream hears of next.
    """

    __slots__ = ("buffer", "restarted", "shown")

    def __init__(self) -> None:
        self.buffer: deque[Event] = deque(maxlen=BUFFERED)
        self.shown: Position | None = None
        self.restarted = False

    def restart(self) -> None:
        """The stream began a new history: what was kept belongs to the old one."""
        self.buffer.clear()
        self.restarted = True

    def is_stale(self, shown: Position, stream: Position | None) -> bool:
        """Tell whether what was shown can't be joined with what the stream brought meanwhile."""
        if stream is None:
            return False
        if stream.epoch != shown.epoch:
            return self.restarted
        first = self.buffer[0].seq if self.buffer else stream.seq + 1
        return first > shown.seq + 1


class Room:
    """The local listeners of one room, and where its stream stands (None: not followed yet)."""

    __slots__ = (
        "_tally",
        "catching",
        "gathering",
        "hold",
        "live",
        "name",
        "pending",
        "position",
        "traced",
        "watchers",
    )

    def __init__(self, name: str, tally: Tally) -> None:
        self.name = name
        self._tally = tally
        self.position: Position | None = None
        self.live: dict[Outlet, Wire] = {}
        self.catching: dict[Outlet, CatchUp] = {}
        self.watchers: set[Outlet] = set()
        self.pending: list[bytes] = []
        self.hold: object | None = None  # what is pending waits for more, until this one ends
        self.gathering = False  # and what it waits for is being committed
        self.traced: list[tuple[Event, Delivery]] = []  # of the pending ones

    @property
    def empty(self) -> bool:
        """Whether nobody here is in the room or on the way into it."""
        return not self.live and not self.catching

    def enter(self, outlet: Outlet, *, watch: bool) -> None:
        """Begin to catch up; entering again starts over."""
        self.flush()
        self.live.pop(outlet, None)
        self.catching[outlet] = CatchUp()
        if watch:
            self.watchers.add(outlet)
        else:
            self.watchers.discard(outlet)

    def settle(self, outlet: Outlet, shown: Position) -> bool:
        """The past up to `shown` has been sent: go live, now or when the stream is as far.

        False: the history changed, or too much happened meanwhile; catch up again from there.
        """
        catch = self.catching[outlet]
        if catch.is_stale(shown, self.position):
            self.catching[outlet] = CatchUp()
            return False
        catch.shown = shown
        self._go_live(outlet, shown, catch.buffer)
        catch.buffer.clear()
        return True

    def leave(self, outlet: Outlet) -> None:
        """Forget the outlet."""
        self.live.pop(outlet, None)
        self.catching.pop(outlet, None)
        self.watchers.discard(outlet)

    def commit(self, position: Position, events: Sequence[Event]) -> None:
        """Take the next events of the stream."""
        self.position = position
        self.pending += [event.payload for event in events]
        for outlet, catch in list(self.catching.items()):
            if catch.shown is None:
                catch.buffer.extend(events)
            else:
                self._go_live(outlet, catch.shown, events)

    def _go_live(self, outlet: Outlet, shown: Position, events: Iterable[Event]) -> None:
        """Let the outlet hear the stream if that is as far; `events` are its latest ones."""
        stream = self.position
        if stream is None or stream.epoch != shown.epoch or stream.seq < shown.seq:
            return
        del self.catching[outlet]
        self.flush()  # what is pending is among the events: it must not reach this one twice
        missed = [event.payload for event in events if event.seq > shown.seq]
        if missed:
            outlet.offer(outlet.wire.frames(missed))
        self.live[outlet] = outlet.wire

    def flush(self) -> None:
        """Hand this tick's events to everyone live: framed once per wire, not per listener."""
        if not self.pending:
            return
        payloads, self.pending = self.pending, []
        self._tally.count(payloads, len(self.live))
        if self.traced:
            self._tally.trace(self.traced, len(self.live))
            self.traced = []
        chunks: dict[Wire, bytes] = {}
        for outlet, wire in self.live.items():
            chunk = chunks.get(wire)
            if chunk is None:
                chunk = chunks[wire] = wire.frames(payloads)
            outlet.offer(chunk)

    def restart(self, position: Position) -> list[Outlet]:
        """A new history begins: return the outlets that must come back in to be shown it."""
        self.flush()
        self.position = position
        astray = list(self.live)
        self.live.clear()
        for outlet, catch in list(self.catching.items()):
            shown = catch.shown
            if shown is None:
                catch.restart()
            elif shown.epoch != position.epoch or shown.seq < position.seq:
                astray.append(outlet)
            else:
                self._go_live(outlet, shown, ())
        self.catching.update((outlet, CatchUp()) for outlet in astray)
        return astray

    def whisper(self, payload: bytes, outlets: Sequence[Outlet]) -> None:
        """Send an ephemeral frame to some, unless they are slow."""
        chunks = {wire: wire.frames([payload]) for wire in {o.wire for o in outlets}}
        for outlet in outlets:
            outlet.offer_lossy(chunks[outlet.wire])
