"""Events as they come back from Redis: read as what anybody could have written."""

from typing import Any, Final

import msgspec

from chat.log import Event

EVENT: Final = b"e"
TRACE: Final = b"p"


class _Envelope(msgspec.Struct):
    type: str
    room: str
    seq: int
    ts: int


_envelope: Final = msgspec.json.Decoder(_Envelope)


class Records:
    """Reads events, and counts what is none."""

    def __init__(self) -> None:
        self.skipped = 0

    def event(
        self, room: str, seq: int, payload: bytes, traceparent: str | None = None
    ) -> Event | None:
        """Return the event if the payload is JSON of this very place, else None."""
        try:
            envelope = _envelope.decode(payload)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            envelope = None
        if envelope is None or envelope.room != room or envelope.seq != seq:
            self.skipped += 1
            return None
        return Event(seq, payload, traceparent)

    def entry(self, room: str, entry: Any) -> Event | None:
        """Return the event of a stream entry."""
        match entry:
            case [bytes(name), list(fields)] if name.startswith(b"1-") and name[2:].isdigit():
                values = dict(zip(fields[::2], fields[1::2], strict=False))
                payload = values.get(EVENT)
                if isinstance(payload, bytes):
                    trace = values.get(TRACE)
                    traced = trace.decode(errors="replace") if isinstance(trace, bytes) else None
                    return self.event(room, int(name[2:]), payload, traced)
        self.skipped += 1
        return None
