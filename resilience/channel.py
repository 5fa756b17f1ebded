"""What nodes tell each other on a room's channel."""

from typing import Final

import msgspec

from chat.frames import TypingSignal
from chat.names import DisplayName, UserId


class _News(msgspec.Struct, frozen=True, array_like=True, gc=False):
    pass


class Committed(_News, frozen=True, tag="c"):
    """Committed events, from seq `first` on without gaps; `traces` are of the traced ones' seqs."""

    epoch: str
    first: int
    payloads: list[bytes]
    traces: dict[int, str] = {}


class Head(_News, frozen=True, tag="h"):
    """Everything up to `seq` is committed; whoever has less reads the log."""

    epoch: str
    seq: int


class Signal(_News, frozen=True, tag="s"):
    """An ephemeral frame from a node, which has shown it to its own already."""

    node: str
    payload: bytes


class Attendance(_News, frozen=True, tag="p"):
    """Users whose first connection to a node came, with their names, or whose last one went."""

    node: str
    join: list[tuple[UserId, DisplayName | None]]
    leave: list[UserId]


News = Committed | Head | Signal | Attendance
_decoder: Final[msgspec.msgpack.Decoder[News]] = msgspec.msgpack.Decoder(News)
_TYPING: Final = b'{"type":"typing",'  # a decoder of one type does not ask for its name
_typing: Final = msgspec.json.Decoder(TypingSignal)
_encoder: Final = msgspec.msgpack.Encoder()


def encode(news: News) -> bytes:
    """Return the news as msgpack."""
    return _encoder.encode(news)


def decode(payload: bytes) -> News | None:
    """Return the news, None if it is none: anybody can publish."""
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def is_signal(room: str, payload: bytes) -> bool:
    """Tell whether an ephemeral frame is one that the room's listeners may be sent as it is."""
    try:
        payload.decode()  # what the decoder only skips may be no UTF-8
        return _typing.decode(payload).room == room and payload.startswith(_TYPING)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
