"""WebSocket framing of what the server sends: unmasked, whole, equal for every listener.

RFC 6455 §5.2: a header of two to ten bytes. It is built once per batch, not per socket.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Final

_TEXT: Final = 0x81
_CLOSE: Final = 0x88
_PONG: Final = 0x8A
PING_FRAME: Final = b"\x89\x00"

_SHORT: Final = 126
_LONG: Final = 1 << 16
_short_header: Final = Struct("!BB").pack
_middle_header: Final = Struct("!BBH").pack
_long_header: Final = Struct("!BBQ").pack
_close_code: Final = Struct("!H").pack

ARRAY_FRAMES: Final = 64


def frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    """Return one whole frame."""
    size = len(payload)
    if size < _SHORT:
        return _short_header(opcode, size) + payload
    if size < _LONG:
        return _middle_header(opcode, 126, size) + payload
    return _long_header(opcode, 127, size) + payload


def close_frame(code: int, reason: str) -> bytes:
    """Return a close frame; the reason is cut to what a control frame carries."""
    return frame((_close_code(code) + reason.encode())[:125], _CLOSE)


def pong_frame(data: bytes) -> bytes:
    """Return the answer to a ping."""
    return frame(data, _PONG)


class Single:
    """One JSON object in a WebSocket message."""

    def frames(self, payloads: Sequence[bytes]) -> bytes:
        """Return the messages, joined."""
        return b"".join(map(frame, payloads))


class Array:
    """Up to 64 JSON objects in a WebSocket message, as an array, when there is more than one."""

    def frames(self, payloads: Sequence[bytes]) -> bytes:
        """Return the messages, joined."""
        if len(payloads) == 1:
            return frame(payloads[0])
        groups = (payloads[i : i + ARRAY_FRAMES] for i in range(0, len(payloads), ARRAY_FRAMES))
        return b"".join(frame(b"[" + b",".join(group) + b"]") for group in groups)


SINGLE: Final = Single()
ARRAY: Final = Array()
