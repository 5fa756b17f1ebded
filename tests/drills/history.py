"""The history of a drill: what was asked, answered, shown and broken, one JSON object a line.

One recorder writes all of it, so one monotonic clock orders everything: `t` is its time in
nanoseconds, strictly rising from line to line, and two lines are "before" and "after" each other
in the sense of all clients together. A request is stamped *before* its bytes leave (`Invoke`,
`began`), an answer *after* its bytes came; what lies between may have happened at any moment.

Publishing. Each try is an attempt of its own, named by the `t` of its `Invoke`; a retry repeats
(user, cid), the idempotency key. An attempt ends in one of three ways, or never:

* `Ok`: acknowledged, at `seq`. An ack frame doesn't name its epoch; `epoch` is for answers that do.
* `Fail`: *proved* not written: refused by a rule (`rate_limited`, `conflict`, `forbidden`,
  `too_large`, …), or its connection was never opened. A time-out proves nothing.
* `Info`: everything else, `unavailable` too. It may be in the log, now or later, or never. The rig
  retries it with the same key until it knows.

Reading. A device joins a room (`Joined`, one for each `joined` frame, and one for a reset in the
midst of a catch-up), is shown events (`Delivered`, one for each that came off the wire, before
any filter of the client), and leaves or loses its socket (`Closed`). From one `Joined` to the next
or to `Closed` is a session. It comes back with `since`, the last event it holds, or without, if it
dropped its copy. Each room's first `Joined` or `Page` comes before its first `Invoke`: who
publishes to an unseen room can't tell which epoch the ack belongs to.

Faults. `start` stands before the harm is done; `proved` when the harm was seen to happen; `heal`
when its cause is taken away; `end` when the drill is done with it. A fault that may lose history
(all nodes that hold it die, or come back empty) says so at its start: only such a one excuses a
new epoch.

At the end, with every unknown outcome resolved and `Plan.settle_ns` waited out, each room's log is
read from every source of the plan (`LogRead`).
"""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeAlias

import msgspec

Key: TypeAlias = tuple[str, str]


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A durable event as somebody read it; `seq` counts from 1 within its room and epoch."""

    seq: int
    user: str
    cid: str
    text: str

    @property
    def key(self) -> Key:
        """Its idempotency key, unique within the room."""
        return (self.user, self.cid)


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A position in one unbroken history of a room; `seq` 0 is before its first event."""

    epoch: str
    seq: int


class Line(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="kind", gc=False):
    """What all records share; the recorder sets `t`."""

    t: int = 0


class Plan(Line, tag="plan", kw_only=True):
    """What the drill is about to do; a history without it proves nothing.

    `faults`: the names that must start, be proved and end. `sources`: whence each room's log is
    read at the end. `acks_per_fault`: how many acks each fault's window, start to end, must hold
    at least. `settle_ns`: how soon after the last outcome everyone must have seen everything.
    `replay_limit`: the most missed events that the server replays without a reset.
    """

    drill: str
    faults: tuple[str, ...] = ()
    sources: tuple[str, ...]
    acks_per_fault: int = 10
    settle_ns: int = 5_000_000_000
    replay_limit: int = 1000


class Invoke(Line, tag="invoke", kw_only=True):
    room: str
    user: str
    cid: str
    text: str


class Ok(Line, tag="ok", kw_only=True):
    attempt: int
    seq: int
    dup: bool = False
    epoch: str | None = None


class Fail(Line, tag="fail", kw_only=True):
    attempt: int
    code: str


class Info(Line, tag="info", kw_only=True):
    attempt: int
    code: str


class Joined(Line, tag="sub", kw_only=True):
    """A join answered: the log of `epoch` reaches to `head`.

    `since` is what the device said it holds. `owed` is how many of the last events the answer
    must show where it doesn't continue from `since`: the history asked for, or a reset's 50. A
    reset that nobody asked for repeats the `began` of its session.
    """

    began: int
    device: str
    room: str
    epoch: str
    head: int
    since: Place | None = None
    reset: str | None = None
    owed: int = 0


class Delivered(Line, tag="dlv", kw_only=True):
    """An event shown to a device; `epoch` is its session's, `resume` if it came by a catch-up."""

    device: str
    room: str
    epoch: str
    entry: Entry
    resume: bool = False


class Page(Line, tag="hist", kw_only=True):
    """History read by REST: the `limit` first above `after`, last below `before`, or just last."""

    began: int
    room: str
    epoch: str
    head: int
    limit: int
    entries: tuple[Entry, ...]
    after: int | None = None
    before: int | None = None


class Closed(Line, tag="close", kw_only=True):
    """A device left a room, or all rooms: its socket is gone, with this close code."""

    device: str
    room: str | None = None
    code: int | None = None


class Fault(Line, tag="fault", kw_only=True):
    """A step of a fault; `nth` tells repeated ones apart, `said` is the proof in words."""

    name: str
    step: Literal["start", "proved", "heal", "end"]
    nth: int = 0
    loses_history: bool = False
    said: str = ""


class LogRead(Line, tag="final", kw_only=True):
    """A room's whole log after quiescence, as one source has it."""

    source: str
    room: str
    epoch: str
    entries: tuple[Entry, ...]


Record: TypeAlias = (
    Plan | Invoke | Ok | Fail | Info | Joined | Delivered | Page | Closed | Fault | LogRead
)

_decoder: Final = msgspec.json.Decoder(Record)


class Recorder:
    """Appends records to a stream, each stamped by one clock.

    `clock` returns nanoseconds and never runs back (`time.monotonic_ns`). Use it from one thread.
    """

    def __init__(self, stream: BinaryIO, clock: Callable[[], int]) -> None:
        self._stream = stream
        self._clock = clock
        self._last = 0
        self._encoder = msgspec.json.Encoder()

    def now(self) -> int:
        """Return the time for a `began`, to be taken before the request leaves."""
        return self._clock()

    def add(self, record: Record) -> int:
        """Stamp the record, append it and return its `t`; an `Invoke`'s is the attempt's name."""
        self._last = record.t = max(self._clock(), self._last + 1)
        self._stream.write(self._encoder.encode(record) + b"\n")
        return self._last


def parse(lines: bytes) -> list[Record]:
    """Read a history; raise `msgspec.DecodeError` for a torn or foreign line."""
    return _decoder.decode_lines(lines)


def load(path: Path) -> list[Record]:
    return parse(path.read_bytes())
