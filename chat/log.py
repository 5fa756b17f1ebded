"""The contract of the log: what every engine promises about a room's durable events."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from typing import Final, Protocol

import msgspec

from chat.commands import Content
from chat.tracing import Trace

_body: Final = msgspec.json.Encoder()
_empty: Final = blake2b(digest_size=12)
_TS_DIGITS: Final = 16  # of 2^53; a foreign record may have any number


class Event(msgspec.Struct, frozen=True, gc=False):
    """A durable event at its place; `payload` is its JSON, the same bytes for everyone.

    `traceparent` is there when its message is traced.
    """

    seq: int
    payload: bytes
    traceparent: str | None = None

    @property
    def raw(self) -> msgspec.Raw:
        """The payload as it goes into an enclosing frame, untouched."""
        return msgspec.Raw(self.payload)


def ts_of(payload: bytes) -> int:
    """Return the `ts` of an event's JSON, which stands behind its seq; 0 for what is none."""
    digits = payload.partition(b',"ts":')[2].partition(b",")[0]
    return int(digits) if digits.isdigit() and len(digits) <= _TS_DIGITS else 0


class Position(msgspec.Struct, frozen=True, gc=False):
    """A place in one unbroken history of a room: everything up to `seq` in `epoch`."""

    epoch: str
    seq: int


class Page(msgspec.Struct, frozen=True, gc=False):
    """A stretch of a room's log, ascending and without gaps.

    `head` is the last seq of the log (0: empty), `tail` the first that is still kept (1: nothing
    trimmed yet; head + 1: nothing kept).
    """

    epoch: str
    tail: int
    head: int
    events: Sequence[Event]


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """Proof that a draft stands in the log, safe by the engine's ack rule.

    `ts` is epoch milliseconds by the storage's clock. `dup`: the same idempotency key had been
    appended before, this is the place it got then.
    """

    seq: int
    ts: int
    dup: bool = False


class _Body(msgspec.Struct, omit_defaults=True):
    user: str
    name: str | None = None
    cid: str | None = None
    text: str | None = None
    data: msgspec.Raw | None = None
    reply_to: int | None = None
    mentions: list[str] | None = None


class Draft(msgspec.Struct, frozen=True):
    """An event that has no place yet: everything of it is encoded but `seq` and `ts`.

    The payload is `head + seq + ',"ts":' + ts + tail`, so that whoever knows the place makes the
    same bytes. (user, cid) is its idempotency key within the room; `digest` tells a retry from
    another content under the same key. `trace` is there when the message is traced.
    """

    room: str
    user: str
    cid: str
    head: bytes
    tail: bytes
    digest: bytes
    trace: Trace | None = None

    @property
    def traceparent(self) -> str | None:
        """The context that is stored with the event, if it is traced."""
        return None if self.trace is None else self.trace.traceparent

    def traced(self, trace: Trace) -> "Draft":
        """Return the same draft, traced."""
        return msgspec.structs.replace(self, trace=trace)

    def payload(self, seq: int, ts: int) -> bytes:
        """Return the event's JSON at its place."""
        return b'%b%d,"ts":%d%b' % (self.head, seq, ts, self.tail)

    @property
    def size(self) -> int:
        """Bytes of the payload without its place; what holding it costs."""
        return len(self.head) + len(self.tail)


def draft_message(*, room: str, user: str, name: str | None, cid: str, content: Content) -> Draft:
    """Encode a message that is already admitted (sanitised, permitted, within its limits)."""
    data = bytes(content.data)
    body = _Body(
        user=user,
        name=name,
        cid=cid,
        text=content.text,
        data=content.data if data else None,
        reply_to=content.reply_to,
        mentions=content.mentions,
    )
    # A new token may carry a new name: the name is no part of what a retry must repeat.
    said = (content.text, data, content.reply_to, content.mentions)
    return Draft(
        room=room,
        user=user,
        cid=cid,
        head=b'{"type":"message","room":"%b","seq":' % room.encode(),
        tail=b"," + _body.encode(body)[1:],
        digest=_digest(_body.encode(said)),
    )


def _digest(content: bytes) -> bytes:
    digest = _empty.copy()  # half of what a new one takes
    digest.update(content)
    return digest.digest()


Answer = Callable[[Receipt | Exception], None]  # told once how an append ended


def resolve(future: asyncio.Future[Receipt], outcome: Receipt | Exception) -> None:
    """Give a future its outcome, unless it was given up."""
    if future.done():
        return
    if isinstance(outcome, Receipt):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)


class MessageLog(Protocol):
    """The rooms' logs.

    In each room every event has one place: seq 1, 2, 3 … without gaps, the same for everyone,
    within one epoch. An epoch names an unbroken history: it changes exactly when a history was
    lost, and (room, epoch, seq) never names two events.
    """

    def append(self, draft: Draft) -> asyncio.Future[Receipt]:
        """Submit a draft; the future is its outcome.

        Cancelling the future gives up the answer, not the append.
        """
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self.submit(draft, partial(resolve, future))
        return future

    def submit(self, draft: Draft, answer: Answer) -> None:
        """Append a draft; `answer` is called when the outcome is certain, never "maybe".

        It may be called before this returns, if the draft is refused at once; what it raises is
        reported and harms nobody else.

        One atomic step decides, in this order: the idempotency key (a retry returns its first
        receipt with `dup`, is neither charged nor refused; other content under the same key is
        `conflict`), the user's rate (`rate_limited` with `retry_ms`), then the place. Appends of
        one caller to one room keep the order of the calls. An unknown outcome is retried inside
        until the hold deadline; then it is `Unavailable`, and the same key stays safe.

        The event reaches the listener, here and on every node that follows the room, only when
        it is safe; whether that is before or after the receipt is not said.
        """
        ...

    async def read(
        self, room: str, *, after: int | None = None, before: int | None = None, limit: int
    ) -> Page:
        """Return at most `limit` events that are safe, ascending.

        `after=n`: the first ones above n. `before=n`: the last ones below n. Neither: the last
        ones. Contains every event whose receipt was out, or that a listener was told of, when the
        read began. A room that never
        was is empty, with an epoch. Raises `Unavailable` after the hold deadline.
        """
        ...

    async def follow(self, room: str) -> Position:
        """Make this node hear the room; return where its stream begins.

        From then on the listener gets every event above the position, in order, once, until
        `unfollow`. Not counted: following twice is following. Raises `Unavailable`.
        """
        ...

    def unfollow(self, room: str) -> None:
        """Hear the room no more."""
        ...
