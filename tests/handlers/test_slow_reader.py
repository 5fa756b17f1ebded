"""A reader that stops reading is closed and resumes; nobody else notices."""

import asyncio
import json
import socket
from contextlib import closing

import pytest

from chat.limits import PAGE_BYTES
from handlers.outbox import Outbox
from tests.chatting import Client, Frame, Served, deaf_socket, token
from tests.conftest import Connect, Serve

MESSAGES = 900
TEXT = "x" * 4_000
UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: chat.v1, bearer.{token}\r\n\r\n"
)
JOIN: Frame = {"type": "join", "room": "general"}
LARGE = {"blob": "x" * 4_000}  # and as much text: half of the longest frame
HOLD_S = 0.3


async def deaf(served: Served, *frames: Frame) -> socket.socket:
    """Send frames by a socket with a small buffer that nobody reads from."""
    loop = asyncio.get_running_loop()
    ear = deaf_socket()
    await loop.sock_connect(ear, ("127.0.0.1", served.port))
    await loop.sock_sendall(ear, UPGRADE.format(token=token("deaf")).encode())
    text = json.dumps(frames).encode()
    masked = b"\x81\xfe" + len(text).to_bytes(2, "big") + bytes(4) + text
    await loop.sock_sendall(ear, masked)
    return ear


async def hear_all(client: Client) -> None:
    """Read until the last message."""
    while (await client.until("message"))["seq"] < MESSAGES:
        pass


async def test_slow_reader_is_evicted_alone(serve: Serve, connect: Connect) -> None:
    """The deaf one is told to resume; everyone else gets every message."""
    served = await serve()
    author, listener = await connect("ann", to=served), await connect("bo", to=served)
    await listener.join()
    with closing(await deaf(served, JOIN)):
        async with asyncio.timeout(10):
            while served.node.hub.statistics()["live"] < 2:
                await asyncio.sleep(0.01)
        (peer,) = [peer for peer in served.node.peers.values() if peer.user == "deaf"]
        hearing = asyncio.create_task(hear_all(listener))
        for _ in range(0, MESSAGES, 3):
            publish = {"type": "publish", "room": "general", "text": TEXT}
            await author.send(*[publish] * 3)
            for _ in range(3):
                await author.until("ack")
        await hearing
        assert peer.outbox.evicted
        assert peer.outbox.closed is not None
        assert peer.outbox.closed.code == 4300


async def test_many_catch_ups_of_who_does_not_read(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One who asks for much and reads nothing has little more than a page of it in memory."""
    served, most = await serve(), 0
    offer = Outbox.offer

    def measured(box: Outbox, chunk: bytes) -> None:
        nonlocal most
        offer(box, chunk)
        unsent = box._transport.get_write_buffer_size() + sum(map(len, box._chunks))
        most = max(most, unsent)

    author = await connect("ann", to=served)
    rooms = [f"r{i}" for i in range(10)]
    for room in rooms:
        for _ in range(80):
            await author.publish(TEXT, room=room, data=LARGE)
    monkeypatch.setattr(Outbox, "offer", measured)
    joins = [{"type": "join", "room": room, "history": 80} for room in rooms]
    with closing(await deaf(served, *joins)):
        async with asyncio.timeout(10):
            while most <= PAGE_BYTES:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert most < 3 * PAGE_BYTES


async def test_who_reads_late_is_in_no_outage(serve: Serve, connect: Connect) -> None:
    """All joins of a slow reader succeed, whether they wait for it or for a turn, however long."""
    served = await serve(PUBLISH_HOLD_SECONDS=HOLD_S)
    author = await connect("ann", to=served)
    rooms = [f"r{i}" for i in range(8)]
    for room in rooms:
        for _ in range(80):
            await author.publish(TEXT, room=room, data=LARGE)
    joins = [{"type": "join", "room": room, "history": 80} for room in rooms]
    with closing(await deaf(served, *joins)) as ear:
        async with asyncio.timeout(10):
            while served.node.hub.statistics()["catching"] < len(rooms):
                await asyncio.sleep(0.01)
        await asyncio.sleep(3 * HOLD_S)
        assert served.node.hub.statistics()["catching"] == len(rooms)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        heard = b""
        async with asyncio.timeout(10):
            while heard.count(b'"type":"joined"') < len(rooms):
                heard += await asyncio.get_running_loop().sock_recv(ear, 1 << 20)
        assert b'"type":"error"' not in heard
