"""What a hostile client does to a server over raw sockets: floods, bombs, slow reads and writes."""

import asyncio
import gzip
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Any, Final

from tests.chatting import token
from tests.handlers.framing import CONTINUATION, HANDSHAKE, PING, TEXT, command, frame

SECONDS: Final = 1.5
ROOM: Final = "/v1/rooms/general/messages"
BODY: Final = f"POST {ROOM} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


class Attack:
    """Connections of attackers to one server; all are cut when the attack ends.

    They come from one loopback `address`, and go on for so many `seconds` each.
    """

    def __init__(
        self,
        port: int,
        stack: AsyncExitStack,
        *,
        address: str = "127.0.0.1",
        seconds: float = SECONDS,
    ) -> None:
        self.port = port
        self.seconds = seconds
        self._address = address
        self._stack = stack

    async def connect(self, *, upgrade: bool, user: str = "mal", buffer: int = 0) -> Any:
        """Open a connection; `buffer` is the most that its kernel keeps unread."""
        plug = socket.socket()
        if buffer:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        plug.bind((self._address, 0))
        plug.setblocking(False)  # noqa: FBT003 - the standard library's own way
        loop = asyncio.get_running_loop()
        await loop.sock_connect(plug, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=plug)
        self._stack.callback(writer.close)
        self._stack.callback(writer.transport.abort)
        if upgrade:
            writer.write(HANDSHAKE.format(token=token(user)).encode())
            await reader.readuntil(b"\r\n\r\n")
        return reader, writer

    async def pour(self, writer: asyncio.StreamWriter, chunk: bytes, pause: float = 0) -> None:
        """Write the chunk over and over until the server has had enough, or time is up."""
        end = perf_counter() + self.seconds
        try:
            while perf_counter() < end and not writer.transport.is_closing():
                writer.write(chunk)
                async with asyncio.timeout(end - perf_counter()):
                    await writer.drain()
                await asyncio.sleep(pause)
        except (ConnectionError, TimeoutError):
            return

    async def pour_all(self, count: int, chunk: bytes, pause: float = 0) -> None:
        """Pour into so many WebSockets at once, reading nothing."""
        users = [f"mal{i}" for i in range(count)]
        sockets = [await self.connect(upgrade=True, user=user) for user in users]
        await asyncio.gather(*(self.pour(writer, chunk, pause) for _, writer in sockets))


async def zero_length_frames(attack: Attack) -> None:
    """Fragments without a byte, in a message that never ends."""
    start = frame(TEXT, b"{", fin=False)
    await attack.pour_all(4, start + frame(CONTINUATION, fin=False) * 2_000)


async def garbage_behind_a_refusal(attack: Attack) -> None:
    """Frames behind handshakes that were refused: no HTTP, and a lot of it."""
    refused = HANDSHAKE.format(token="none").replace("Version: 13", "Version: 8").encode()
    sockets = [await attack.connect(upgrade=False) for _ in range(8)]
    for _, writer in sockets:
        writer.write(refused)
    chunk = frame(TEXT, b"x" * 4_000) * 16
    await asyncio.gather(*(attack.pour(writer, chunk) for _, writer in sockets))


async def zero_length_messages(attack: Attack) -> None:
    """Whole messages without a byte."""
    await attack.pour_all(4, frame(TEXT) * 2_000)


async def declared_sizes(attack: Attack) -> None:
    """Frames that declare 2^63 - 1 bytes, alone and as the second fragment."""
    huge = frame(TEXT, b"x" * 1_000, declared=2**63 - 1)
    second = frame(TEXT, b"x", fin=False) + frame(CONTINUATION, b"x" * 1_000, declared=2**63 - 1)
    for chunk in (huge, second):
        await attack.pour_all(4, chunk)


async def fragments_over_the_limit(attack: Attack) -> None:
    """A message that grows fragment by fragment."""
    start = frame(TEXT, b"{", fin=False)
    await attack.pour_all(4, start + frame(CONTINUATION, b" " * 8_000, fin=False) * 50)


async def ping_flood(attack: Attack) -> None:
    """Pings by the thousand, whose pongs nobody reads."""
    sockets = [await attack.connect(upgrade=True, user=f"m{i}", buffer=4_096) for i in range(8)]
    chunk = frame(PING, b"p" * 125) * 200
    await asyncio.gather(*(attack.pour(writer, chunk) for _, writer in sockets))


async def frame_flood(attack: Attack) -> None:
    """Arrays of commands by the thousand, whose answers nobody reads."""
    array = frame(TEXT, b"[" + b",".join([command()] * 64) + b"]")
    sockets = [await attack.connect(upgrade=True, user=f"m{i}", buffer=4_096) for i in range(8)]
    await asyncio.gather(*(attack.pour(writer, array * 10) for _, writer in sockets))


async def one_byte_writes(attack: Attack) -> None:
    """A header and a frame, byte by byte."""
    slow = [await attack.connect(upgrade=False) for _ in range(50)]
    slow += [await attack.connect(upgrade=True, user=f"m{i}") for i in range(50)]
    await asyncio.gather(*(attack.pour(writer, b"\x81", 0.02) for _, writer in slow))


async def slow_readers(attack: Attack) -> None:
    """Twenty who join a busy room and read nothing."""
    join = frame(TEXT, b'{"type":"join","room":"general"}')
    for i in range(20):
        _, writer = await attack.connect(upgrade=True, user=f"deaf{i}", buffer=4_096)
        writer.write(join)
    await asyncio.sleep(attack.seconds)


async def bombs(attack: Attack) -> None:
    """Bodies that would inflate to 10 MB each, and compressed frames."""
    bomb = gzip.compress(bytes(10_000_000))
    head = f"{BODY}Authorization: Bearer {token('mal')}\r\nContent-Encoding: gzip\r\n"
    whole = f"{head}Content-Length: {len(bomb)}\r\n\r\n".encode() + bomb
    for _ in range(20):
        _, writer = await attack.connect(upgrade=False)
        writer.write(whole)
    await attack.pour_all(4, frame(TEXT, bomb[:16_000], rsv=4))


async def endless_bodies(attack: Attack) -> None:
    """Bodies and headers that declare much or nothing, and go on."""
    auth = f"Authorization: Bearer {token('mal')}\r\n"
    chunked = f"{BODY}{auth}Transfer-Encoding: chunked\r\n\r\n".encode()
    for head, more in (
        (chunked, b"8000\r\n" + b" " * 0x8000 + b"\r\n"),
        (f"{BODY}{auth}Content-Length: {2**40}\r\n\r\n".encode(), b" " * 65_536),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"X: " + b"x" * 4_000 + b"\r\n"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 200),
    ):
        sockets = [await attack.connect(upgrade=False) for _ in range(5)]
        for _, writer in sockets:
            writer.write(head)
        await asyncio.gather(*(attack.pour(writer, more) for _, writer in sockets))


ATTACKS: Final[list[Callable[[Attack], Awaitable[None]]]] = [
    zero_length_frames,
    garbage_behind_a_refusal,
    zero_length_messages,
    declared_sizes,
    fragments_over_the_limit,
    ping_flood,
    frame_flood,
    one_byte_writes,
    slow_readers,
    bombs,
    endless_bodies,
]
