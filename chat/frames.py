"""What the server says: the frames of `chat.v1` from server to client."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from chat.limits import Limits


class Frame(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False
):
    """Any frame of the server; times are epoch milliseconds unless the name says otherwise."""


class Reply(Frame, frozen=True, kw_only=True):
    """A terminal reply: carries the `id` of the frame it answers, if that had one."""

    id: str | int | float | None = None


class User(msgspec.Struct, frozen=True, omit_defaults=True):
    """Someone, as others see them."""

    id: str
    name: str | None = None


class Hello(Frame, frozen=True, kw_only=True, tag="hello"):
    """The first frame of every connection."""

    v: int
    auth: str
    auth_timeout_s: int
    ts: int


class Welcome(Reply, frozen=True, kw_only=True, tag="welcome"):
    """The client is signed in."""

    conn: str
    user: User
    exp: int
    ts: int
    ping_s: int
    idle_s: int
    limits: Limits
    degraded: bool = False


class Ack(Reply, frozen=True, kw_only=True, tag="ack"):
    """Done. For a publish: `ref` is the seq it has in the room, and it is safe."""

    cid: str | None = None
    room: str | None = None
    ref: int | None = None
    ts: int | None = None
    dup: bool = False
    exp: int | None = None


class Error(Reply, frozen=True, kw_only=True, tag="error"):
    """Not done, by a code of the table; `retry_ms` means: repeat the same frame after that."""

    code: str
    cid: str | None = None
    room: str | None = None
    detail: str | None = None
    field: str | None = None
    retry_ms: int | None = None
    until: int | None = None


class Notice(Frame, frozen=True, kw_only=True, tag="notice"):
    """Something to know: `degraded`, `recovered`, `token_expiring`, `maintenance`."""

    code: str


class Goaway(Frame, frozen=True, kw_only=True, tag="goaway"):
    """The node drains: reconnect after `retry_ms`; at `deadline_ms` it closes."""

    reason: str
    retry_ms: int
    deadline_ms: int


class ServerPing(Frame, frozen=True, kw_only=True, tag="ping"):
    """Is anybody there? Answer `pong`."""


class ServerPong(Reply, frozen=True, kw_only=True, tag="pong"):
    """The answer to a client's ping."""

    ts: int


class PresenceView(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who is in a room: how many users, and the first of them by id."""

    count: int
    members: list[User] | None = None


class Joined(Reply, frozen=True, kw_only=True, tag="joined"):
    """The outcome of a join, or of a reset that the server began; `more`: `events` follow."""

    room: str
    epoch: str
    tail: int
    head: int
    events: list[msgspec.Raw]
    perm: str
    more: bool = False
    reset: str | None = None
    presence: PresenceView | None = None


class Events(Frame, frozen=True, kw_only=True, tag="events"):
    """A further page of a catch-up."""

    room: str
    events: list[msgspec.Raw]
    more: bool = False


class Left(Reply, frozen=True, kw_only=True, tag="left"):
    """The connection no longer listens to the room."""

    room: str
    reason: str


class Message(Frame, frozen=True, kw_only=True, tag="message"):
    """A durable event: something said. The same bytes for everyone, live and replayed."""

    room: str
    seq: int
    ts: int
    user: str
    name: str | None = None
    cid: str | None = None
    text: str | None = None
    data: Any = None
    reply_to: int | None = None
    mentions: list[str] | None = None


class TypingSignal(Frame, frozen=True, kw_only=True, tag="typing"):
    """Someone is typing; forget it after `ttl_ms`."""

    room: str
    user: str
    on: bool
    ttl_ms: int


class PresenceChange(Frame, frozen=True, kw_only=True, tag="presence"):
    """Who came and who went since the last one; `count` is the number of users now."""

    room: str
    count: int
    join: list[User] | None = None
    leave: list[str] | None = None


FRAMES: Final = (
    Hello,
    Welcome,
    Ack,
    Error,
    Notice,
    Goaway,
    ServerPing,
    ServerPong,
    Joined,
    Events,
    Left,
    Message,
    TypingSignal,
    PresenceChange,
)


encode: Final[Callable[[Frame], bytes]] = msgspec.json.Encoder().encode  # as JSON
