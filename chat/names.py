"""The names that travel: rooms, users, message ids, and whom a direct-message room belongs to."""

from typing import Annotated, Final

from msgspec import Meta

END: Final = r"\Z"  # of the text: Python's `$` also matches before a trailing newline

RoomName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,63}" + END,
        max_length=64,
        description="A room; `dm:<a>:<b>` belongs to the users a and b alone.",
        examples=["general"],
    ),
]
UserId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_.@-]{1,64}" + END,
        max_length=64,
        description="A user: the token's `sub`.",
        examples=["u42"],
    ),
]
MessageId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,64}" + END,
        max_length=64,
        description="`cid`: the client's id of a message, its idempotency key in a room.",
        examples=["0b7c-2"],
    ),
]
FrameId = Annotated[
    Annotated[str, Meta(max_length=64)]
    | Annotated[int, Meta(ge=-(2**53), le=2**53)]
    | Annotated[float, Meta(ge=-(2.0**53), le=2.0**53)],
    Meta(description="Echoed in the one terminal reply to this frame."),
]
NAME_LENGTH: Final = 64  # code points
DisplayName = Annotated[
    str, Meta(max_length=NAME_LENGTH, description="A name for people to read.", examples=["Ann"])
]

# Of the servers themselves: no `RoomName` begins so, therefore no client can name it.
CANARY_ROOM: Final = "_canary"

_DM_PARTS: Final = 3


def dm_users(room: str) -> tuple[str, str] | None:
    """Return the two users whom a `dm:` room belongs to; None for any other room.

    A malformed `dm:` room belongs to nobody: ("", "").
    """
    if not room.startswith("dm:"):
        return None
    parts = room.split(":")
    return (parts[1], parts[2]) if len(parts) == _DM_PARTS else ("", "")
