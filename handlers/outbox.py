"""The way out of the process: one write per socket per turn of the loop, and slow readers' end.

Measured (200 subscribers, 8 messages in flight): `await ws.send_str()` 5.4 µs a message, one
`transport.write()` each 4.4, joined per turn 1.1. The system call is the price: make fewer.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from chat.closes import SLOW_CONSUMER, Close
from chat.limits import PAGE_BYTES
from chat.tracing import Written
from handlers.wire import SINGLE, Array, Single, close_frame, frame

BOUND: Final = 1 << 20  # bytes a reader may lag behind before it is told to resume instead
SLOW: Final = BOUND // 2  # above this it gets no typing and presence
CROWD: Final = 256  # so many are written to at once, 5 µs each; more are in slices
SLICE: Final = 64  # of the crowd in one turn, and as many of what came since
_PATIENCE_S: Final = 30.0
_POLL_S: Final = 0.02  # the transport's own bounds are those of a reader too far behind


class Tick:
    """Gathers what a turn of the loop produces and writes it out in the next one.

    A crowd is written to over several turns, and between two of them the loop reads, commits and
    writes for the others: a room of ten thousand holds nobody up for the 50 ms that it takes.
    """

    def __init__(self) -> None:
        self._scheduled = False
        self._full: list[Outbox] = []
        self._crowd: list[Outbox] = []  # what was too much for the turns before
        self._sliced = 0  # how many of the crowd there were until now
        self._traced: list[Written] = []
        # Up to which of the crowd they are written to, since when, and whom to tell.
        self._untold: deque[tuple[int, int, Written]] = deque()
        self.flush_hub: Callable[[], Sequence[Written]] = tuple

    def schedule(self) -> None:
        """Run once, soon."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._run)

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back after so long."""
        asyncio.get_running_loop().call_later(seconds, callback)

    def mark(self, outbox: "Outbox") -> None:
        """This outbox has something to write."""
        self._full.append(outbox)
        if not self._scheduled:
            self.schedule()

    def tell(self, traced: Written) -> None:
        """Tell it when what has gathered in this turn is written."""
        self._traced.append(traced)
        self.schedule()

    def _run(self) -> None:
        try:
            delivered = self.flush_hub()
        except Exception:
            self._scheduled = False
            self.schedule()  # for the rooms and outboxes after the one that failed
            raise
        self._scheduled = False
        full, self._full = self._full, []
        first = time.time_ns() if delivered or self._traced else 0
        if self._crowd or len(full) > CROWD:
            self._write_slices(full)
        else:
            for outbox in full:
                outbox.flush()
        if first or self._untold:
            self._told([*delivered, *self._traced], first)
            self._traced = []

    def _write_slices(self, full: "Sequence[Outbox]") -> None:
        """Write a slice of what is new and one of the crowd; leave the rest to the next turn."""
        crowd = self._crowd
        self._crowd = [*crowd[SLICE:], *full[SLICE:]]
        if self._crowd:
            self.schedule()
        for outbox in (*full[:SLICE], *crowd[:SLICE]):
            outbox.flush()
        self._sliced += len(crowd[:SLICE])

    def _told(self, traced: Sequence[Written], first: int) -> None:
        """Tell what is written by now; the rest when the crowd is, as it stands after this turn."""
        end = self._sliced + len(self._crowd)
        self._untold.extend((end, first, one) for one in traced)
        last = time.time_ns()
        while self._untold and self._untold[0][0] <= self._sliced:
            _, began, one = self._untold.popleft()
            one.written(began, last)


class Outbox:
    """What one connection is going to be sent."""

    __slots__ = (
        "_chunks",
        "_tick",
        "_transport",
        "behind",
        "closed",
        "dropped",
        "evicted",
        "gone",
        "resync",
        "wire",
    )

    def __init__(self, transport: asyncio.Transport, tick: Tick) -> None:
        transport.set_write_buffer_limits(BOUND, BOUND)
        self._transport = transport
        self._tick = tick
        self._chunks: list[bytes] = []
        self.wire: Single | Array = SINGLE
        self.resync: Callable[[str], None] = lambda _: None
        self.closed: Close | None = None
        self.behind = False  # more than `BOUND` is unsent: the transport tells, by its protocol
        self.gone = False  # the connection is lost
        self.evicted = False
        self.dropped = 0

    def send(self, payload: bytes) -> None:
        """Send one JSON frame."""
        self.offer(frame(payload))

    def offer(self, chunk: bytes) -> None:
        """Send whole WebSocket frames, in this turn's one write."""
        if self.closed is not None:
            return
        if not self._chunks:
            self._tick.mark(self)
        self._chunks.append(chunk)

    def offer_lossy(self, chunk: bytes) -> None:
        """Send frames that may be missed, unless the reader is slow."""
        if self._transport.get_write_buffer_size() > SLOW:
            self.dropped += 1
        else:
            self.offer(chunk)

    def flush(self) -> None:
        """Write what has gathered; a reader too far behind is closed, it resumes from the log."""
        chunks = self._chunks
        if not chunks:
            return
        self._chunks = []
        if self.gone:
            return
        behind = self.behind  # before the write: what is written now had no chance to leave yet
        self._transport.write(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        if behind and self.closed is None:
            self.evicted = True
            self.close(SLOW_CONSUMER)

    def close(self, close: Close, retry_ms: int | None = None) -> None:
        """Say goodbye: a close frame after all that was sent before; nothing goes out after it."""
        if self.closed is not None:
            return
        self.flush()
        if self.closed is None:
            self.closed = close
            if not self._transport.is_closing():
                self._transport.write(close_frame(close.code, close.reason(retry_ms)))

    def control(self, control_frame: bytes) -> None:
        """Write a ping or pong at once."""
        if self.closed is None and not self._transport.is_closing():
            self._transport.write(control_frame)

    def abort(self) -> None:
        """Cut the connection: the peer does not answer any more."""
        self._transport.abort()

    async def drained(self) -> None:
        """Wait until a further page of a catch-up fits; who does not read at all is closed."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while self._is_behind():  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            self.evicted = True
            self.close(SLOW_CONSUMER)

    def _is_behind(self) -> bool:
        unsent = self._transport.get_write_buffer_size() + sum(map(len, self._chunks))
        return unsent > PAGE_BYTES and self.closed is None and not self._transport.is_closing()
