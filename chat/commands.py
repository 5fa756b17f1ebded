"""What a client may say: the frames of `chat.v1` from client to server, as validating types."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from chat.limits import DEFAULT_HISTORY, MENTIONS
from chat.names import FrameId, MessageId, RoomName, UserId

Token = Annotated[str, Meta(min_length=1, max_length=8192, description="A JWT.")]
Sequence = Annotated[int, Meta(ge=0, le=2**53, description="A place in a room's log.")]
Epoch = Annotated[str, Meta(min_length=1, max_length=64, description="Names an unbroken history.")]


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """Any frame of a client; `id` asks for exactly one terminal reply."""

    id: FrameId | None = None


class RoomCommand(Command, frozen=True, kw_only=True):
    """A command about one room; those of one connection are carried out in order per room."""

    room: RoomName


class Content(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """What a message says: `text`, or `data` (any JSON; empty here when absent), or both."""

    text: str | None = None
    data: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    reply_to: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    mentions: Annotated[list[UserId], Meta(max_length=MENTIONS)] | None = None


class Auth(Command, frozen=True, kw_only=True, tag="auth"):
    """Sign in; later, refresh the token. `batch` asks for arrays of frames."""

    token: Token
    batch: bool = False
    client: Annotated[str, Meta(max_length=64)] | None = None


class Join(RoomCommand, frozen=True, kw_only=True, tag="join"):
    """Listen to a room: from `since` in `epoch`, or with the last `history` events."""

    since: Sequence | None = None
    epoch: Epoch | None = None
    history: Annotated[int, Meta(ge=0, le=100)] = DEFAULT_HISTORY
    presence: bool = False


class Leave(RoomCommand, frozen=True, kw_only=True, tag="leave"):
    """Stop listening to a room."""


class Publish(Content, frozen=True, kw_only=True, tag="publish"):
    """Say something; repeating it with the same `cid` is safe and returns the first outcome."""

    id: FrameId | None = None  # a msgspec type has one base: this one is Content
    room: RoomName
    cid: MessageId | None = None
    traceparent: str | None = None


class Typing(RoomCommand, frozen=True, kw_only=True, tag="typing"):
    """Signal that one is typing, or no more; never stored."""

    on: bool


class Ping(Command, frozen=True, kw_only=True, tag="ping"):
    """Ask whether the server is there."""


class Pong(Command, frozen=True, kw_only=True, tag="pong"):
    """Answer the server's ping."""


AnyCommand = Auth | Join | Leave | Publish | Typing | Ping | Pong
COMMANDS: Final = (Auth, Join, Leave, Publish, Typing, Ping, Pong)
