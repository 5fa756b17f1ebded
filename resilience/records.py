"""Events as they come back from Redis: read as what anybody could have written."""

import re
from typing import Any, Final

import msgspec

from chat.frames import Message
from chat.log import Event

EVENT: Final = b"e"
TRACE: Final = b"p"


# Whole, though only its place is looked at: what is no message must not reach a client.
_decode: Final = msgspec.json.Decoder(Message).decode
_BEGIN: Final = b'{"type":"message",'  # a decoder of one type does not ask for its name
_ID: Final = re.compile(rb"1-([0-9]{1,20})")


class Records:
    """Reads events, and counts what is none."""

    def __init__(self) -> None:
        self.skipped = 0

    def event(
        self, room: str, seq: int, payload: bytes, traceparent: str | None = None
    ) -> Event | None:
        """Return the event if the payload is the message of this very place, else None."""
        try:
            payload.decode()  # what the decoder only skips may be no UTF-8
            message = _decode(payload)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            message = None
        here = message is not None and message.room == room and message.seq == seq
        if here and payload.startswith(_BEGIN):
            return Event(seq, payload, traceparent)
        self.skipped += 1
        return None

    def entry(self, room: str, entry: Any) -> Event | None:
        """Return the event of a stream entry."""
        match entry:
            case [bytes(name), list(fields)] if place := _ID.fullmatch(name):
                payload = _value(fields, EVENT)
                if payload is not None:
                    trace = _value(fields, TRACE)
                    traced = None if trace is None else trace.decode(errors="replace")
                    return self.event(room, int(place[1]), payload, traced)
        self.skipped += 1
        return None


def _value(fields: list[Any], name: bytes) -> bytes | None:
    pairs = zip(fields[::2], fields[1::2], strict=False)
    found = next((value for field, value in pairs if field == name), None)
    return found if isinstance(found, bytes) else None
