"""Memory under attack: floods, bombs, slow readers and slow writers cost at most 20 MB."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter
from typing import Any, Final

import aiohttp
import pytest

from tests.chatting import token
from tests.handlers.framing import CONTINUATION, HANDSHAKE, PING, TEXT, command, frame
from tests.server.process import Process, process

CEILING: Final = 20 << 20
SECONDS: Final = 1.5
ROOM: Final = "/v1/rooms/general/messages"
BODY: Final = f"POST {ROOM} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


class Attack:
    """Connections of attackers to one server; all are cut when the attack ends."""

    def __init__(self, server: Process, stack: AsyncExitStack) -> None:
        self.server = server
        self._stack = stack

    async def connect(self, *, upgrade: bool, user: str = "mal", buffer: int = 0) -> Any:
        """Open a connection; `buffer` is the most that its kernel keeps unread."""
        plug = socket.socket()
        if buffer:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        plug.setblocking(False)  # noqa: FBT003 - the standard library's own way
        loop = asyncio.get_running_loop()
        await loop.sock_connect(plug, ("127.0.0.1", self.server.port))
        reader, writer = await asyncio.open_connection(sock=plug)
        self._stack.callback(writer.close)
        self._stack.callback(writer.transport.abort)
        if upgrade:
            writer.write(HANDSHAKE.format(token=token(user)).encode())
            await reader.readuntil(b"\r\n\r\n")
        return reader, writer

    async def pour(self, writer: asyncio.StreamWriter, chunk: bytes, pause: float = 0) -> None:
        """Write the chunk over and over until the server has had enough, or time is up."""
        end = perf_counter() + SECONDS
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
    await asyncio.sleep(SECONDS)


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


class Bystander:
    """Ann, who talks to herself in `general` and times every message of hers."""

    def __init__(self, socket_: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket_
        self.times: list[float] = []

    async def talk(self, stop: asyncio.Event, text: str = "x" * 200) -> list[float]:
        """Publish and wait to be shown it, until told to stop; return how long each took."""
        self.times = []
        while not stop.is_set():
            began = perf_counter()
            await self._socket.send_json({"type": "publish", "room": "general", "text": text})
            while json.loads((await self._socket.receive(10)).data)["type"] != "message":
                pass
            self.times.append(perf_counter() - began)
            await asyncio.sleep(0.005)
        return self.times


@asynccontextmanager
async def bystander(server: Process) -> AsyncIterator[Bystander]:
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{server.port}/ws"
        async with session.ws_connect(
            url, protocols=("chat.v1", f"bearer.{token('ann')}")
        ) as chatting:
            await chatting.send_json({"type": "join", "room": "general"})
            while json.loads((await chatting.receive(10)).data)["type"] != "joined":
                pass
            yield Bystander(chatting)


async def highest(server: Process, stop: asyncio.Event) -> int:
    """Return the most memory that the server held until told to stop."""
    most = server.rss
    while not stop.is_set():
        most = max(most, server.rss)
        await asyncio.sleep(0.02)
    return most


async def attacked(
    server: Process, attack: Callable[[Attack], Awaitable[None]], ann: Bystander
) -> tuple[int, list[float]]:
    """Carry an attack out; return the highest memory meanwhile, and ann's times."""
    stop = asyncio.Event()
    watching = asyncio.create_task(highest(server, stop))
    talking = asyncio.create_task(ann.talk(stop, "x" * 4_000))
    async with AsyncExitStack() as stack:
        end = perf_counter() + SECONDS
        while perf_counter() < end:
            await attack(Attack(server, stack))
        stop.set()
        most, times = await watching, await talking
    return most, times


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
async def test_memory_is_bounded(attack: Callable[[Attack], Awaitable[None]]) -> None:
    """While it is attacked the server holds at most 20 MB more, answers, and logs no mistake."""
    async with process(ROOM_HISTORY="100") as server, bystander(server) as ann:
        warm = asyncio.Event()
        talking = asyncio.create_task(ann.talk(warm, "x" * 4_000))
        await asyncio.sleep(1)  # a room's history fills up
        warm.set()
        await talking
        before = server.rss
        most, times = await attacked(server, attack, ann)
        assert server.alive
        assert len(times) > 20
        assert max(times) < 2
    assert most - before <= CEILING, (most - before) >> 20
    assert '"level":"error"' not in server.output
    assert "Traceback" not in server.output
