"""A WebSocket spoken by hand: frames as bytes, right or wrong, and what the server answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from struct import pack, unpack
from typing import Final

import msgspec

from tests.chatting import Served, token

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK: Final = b"\x37\xfa\x21\x3d"  # of RFC 6455 §5.7
HANDSHAKE: Final = (
    "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: chat.v1, bearer.{token}\r\n\r\n"
)


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = MASK,
    declared: int | None = None,
) -> bytes:
    """Return a client's frame; `declared` is the length it claims to have."""
    size = len(payload) if declared is None else declared
    head = bytes([(fin << 7) | (rsv << 4) | opcode])
    masked = 0x80 if mask else 0
    if size < 126:
        head += bytes([masked | size])
    elif size < 1 << 16:
        head += pack("!BH", masked | 126, size)
    else:
        head += pack("!BQ", masked | 127, size)
    if mask is None:
        return head + payload
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    flipped = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return head + mask + flipped.to_bytes(len(payload), "big")


def fragments(*parts: bytes, opcode: int = TEXT) -> list[bytes]:
    """Return a message in so many frames."""
    last = len(parts) - 1
    return [
        frame(CONTINUATION if i else opcode, part, fin=i == last) for i, part in enumerate(parts)
    ]


def command(content: bytes = b"", name: str = "a") -> bytes:
    """Return a `ping` of chat.v1 in which the content stands as a string nobody looks at."""
    return b'{"type":"ping","id":"%s","x":"%s"}' % (name.encode(), content)


class Heard(msgspec.Struct):
    """What the server sent until it closed or was silent: pongs, replies, the close code."""

    pongs: list[bytes] = []
    replies: list[dict[str, object]] = []
    closes: list[int] = []
    ended: bool = False

    @property
    def answered(self) -> list[object]:
        return [reply["id"] for reply in self.replies if reply["type"] == "pong"]


class Wire:
    """One connection, signed in as ann."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.heard = Heard()

    async def send(self, chunks: Iterable[bytes], *, octets: bool = False) -> None:
        """Send each chunk by itself, or each byte, until somebody has closed."""
        for chunk in chunks:
            for piece in [bytes([b]) for b in chunk] if octets else [chunk]:
                if self.heard.closes or self.heard.ended:
                    return
                self.writer.write(piece)
                await asyncio.sleep(0)

    async def hear(self, fence: str | None = None) -> Heard:
        """Listen until the server ends, or has answered the `fence`."""
        async with asyncio.timeout(5):
            while fence is None or fence not in self.heard.answered:
                try:
                    opcode, payload = await self._frame()
                except (asyncio.IncompleteReadError, ConnectionError):
                    self.heard.ended = True
                    break
                self._take(opcode, payload)
        return self.heard

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self.heard.replies.append(json.loads(payload))
        elif opcode == CLOSE:
            self.heard.closes.append(unpack("!H", payload[:2])[0] if payload else 0)
            self.writer.write(frame(CLOSE, payload[:2]))
        elif opcode == PONG:
            self.heard.pongs.append(payload)

    async def _frame(self) -> tuple[int, bytes]:
        first, second = await self._reader.readexactly(2)
        assert first & 0xF0 == 0x80, "a server's frame is whole and has no extension"
        assert second < 0x80, "a server's frame is not masked"
        size = second
        if size > 125:
            width, form = (2, "!H") if size == 126 else (8, "!Q")
            size = unpack(form, await self._reader.readexactly(width))[0]
        return first & 0x0F, await self._reader.readexactly(size)


@asynccontextmanager
async def spoken(served: Served, user: str = "ann") -> AsyncIterator[Wire]:
    """Connect by hand and sign in by the subprotocol."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        writer.write(HANDSHAKE.format(token=token(user)).encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()
        writer.close()
