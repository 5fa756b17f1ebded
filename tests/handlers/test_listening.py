"""Before a request is one: malformed HTTP, headers and bodies that never end, coded bodies."""

import asyncio
import gzip
from contextlib import closing, suppress

import pytest

from handlers import bodies, listening
from tests.chatting import deaf_socket, token
from tests.handlers.conftest import Rest, Start, complaints

ROOM = "/v1/rooms/general/messages"
HOST = b"Host: localhost\r\n"
MALFORMED = [
    b"cAnArY\r\n\r\n",
    b"cAnArY / HTTP/1.1\r\n\r\n",
    b"GET / cAnArY\r\n\r\n",
    b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\ncAnArY\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-cAnArY : 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: cAn\x00ArY\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"cAnArY" * 3000 + b"\r\n\r\n",
    b"GET /" + b"cAnArY" * 3000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: cAnArY\r\n\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03cAnArY\r\n\r\n",
]


async def raw(rest: Rest, sent: bytes) -> bytes:
    """Send bytes, and return everything until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rest.served.port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


@pytest.mark.parametrize("sent", MALFORMED)
async def test_malformed_http(rest: Rest, caplog: pytest.LogCaptureFixture, sent: bytes) -> None:
    """What is no HTTP is a 400 problem that repeats nothing and names nobody; no traceback."""
    answer = await raw(rest, sent)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == b"400"
    assert b"application/problem+json" in head
    assert b'"code":"bad_request"' in body
    assert b"server:" not in head.lower()
    assert b"canary" not in answer.lower()
    assert b"nosniff" in head
    assert complaints(caplog) == []


async def test_a_header_that_never_ends(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection whose header does not come is closed; one that has sent it is left alone."""
    monkeypatch.setattr(listening, "HEADER_S", 0.3)
    assert await raw(rest, b"GET / HTTP/1.1\r\nX-Slow: ") == b""
    async with rest.served.client() as client:
        await client.sign_in("ann")
        assert await raw(rest, b"") == b""
        assert (await client.ask({"type": "ping"}))["type"] == "pong"


async def test_a_body_that_never_ends(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that takes too long is 408, and the connection is closed."""
    monkeypatch.setattr(bodies, "BODY_S", 0.3)
    head = f"POST {ROOM} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    auth = f"Authorization: Bearer {token('ann')}\r\nContent-Length: 50\r\n\r\n"
    began = asyncio.get_running_loop().time()
    answer = await raw(rest, (head + auth).encode() + b'{"text":')
    assert answer.startswith(b"HTTP/1.1 408")
    assert asyncio.get_running_loop().time() - began < 4


async def test_a_broken_chunk(rest: Rest, caplog: pytest.LogCaptureFixture) -> None:
    """A chunked body that breaks its own rules is 400, without a traceback."""
    head = f"POST {ROOM} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    auth = f"Authorization: Bearer {token('ann')}\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await raw(rest, (head + auth).encode() + b"zz\r\ncAnArY\r\n")
    assert answer.split()[1] == b"400"
    assert b"cAnArY" not in answer
    assert complaints(caplog) == []


async def test_a_compressed_bomb_is_not_inflated(rest: Rest) -> None:
    """A coded body is 415, whatever it would become, and the connection goes on."""
    bomb = gzip.compress(bytes(10_000_000))
    for coding in ("gzip", "deflate", "br", "zstd", "gzip, gzip"):
        refused = await rest.ask(
            "POST",
            ROOM,
            data=bomb,
            headers={"Content-Type": "application/json", "Content-Encoding": coding},
        )
        assert (refused.status, refused.json["code"]) == (415, "unsupported")


async def test_expect_continue(rest: Rest) -> None:
    """A client that waits for 100 is told to go on, and answered."""
    answer = await rest.ask("POST", ROOM, json={"text": "x"}, headers={"Expect": "100-continue"})
    assert answer.status == 201


async def begin_body(rest: Rest, framing: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send the header of a publish, and wait until the server reads the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rest.served.port)
    head = f"POST {ROOM} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    auth = f"Authorization: Bearer {token('ann')}\r\nExpect: 100-continue\r\n{framing}\r\n\r\n"
    writer.write((head + auth).encode())
    assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def test_a_body_that_breaks_later(
    rest: Rest, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that breaks its coding while it is read ends with its deadline, without a word."""
    monkeypatch.setattr(bodies, "BODY_S", 0.5)
    reader, writer = await begin_body(rest, "Transfer-Encoding: chunked")
    writer.write(b"zz\r\ncAnArY\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert answer.split()[1] in {b"400", b"408"}
    assert b"cAnArY" not in answer
    assert complaints(caplog) == []


async def test_a_client_that_goes_in_mid_body(rest: Rest, caplog: pytest.LogCaptureFixture) -> None:
    """A client that vanishes while it sends is no incident, and nothing is published."""
    for _ in range(3):
        _, writer = await begin_body(rest, "Content-Length: 12")
        writer.write(b'{"text":')
        writer.transport.abort()
        writer.close()
    assert (await rest.ask("GET", ROOM)).json["head"] == 0
    assert complaints(caplog) == []


async def test_a_body_of_unknown_length_is_bounded(rest: Rest) -> None:
    """A chunked body over the limit is 413 while it still comes, not after it has come."""
    reader, writer = await begin_body(rest, "Transfer-Encoding: chunked")
    writer.write(b"5000\r\n" + b" " * 0x5000 + b"\r\n")  # and no last chunk
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 1)
    writer.close()
    assert answer.split()[1] == b"413"


async def test_connections_without_end(rest_with: Start) -> None:
    """After five connections for the one handshake of a minute the next is cut, and counted."""
    rest = await rest_with(WEBSOCKET_HANDSHAKES_PER_MINUTE=1)
    ask = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for _ in range(5):
        assert b" 200 " in (await raw(rest, ask)).partition(b"\r\n")[0]
    with suppress(ConnectionError):
        assert await raw(rest, ask) == b""
    assert rest.served.node.statistics.rejections["connections"] == 1


async def test_open_connections_are_bounded(rest_with: Start) -> None:
    """The connection after the last that an address may keep is cut; who leaves makes room."""
    rest = await rest_with(WEBSOCKET_MAX_CONNECTIONS_PER_IP=1)
    ask = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    kept = []
    for _ in range(64):
        reader, writer = await asyncio.open_connection("127.0.0.1", rest.served.port)
        kept.append(writer)
        writer.write(ask)
        assert b" 200 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    with suppress(ConnectionError):
        assert await raw(rest, ask) == b""
    gate = rest.node.gate
    assert (gate.http_open, rest.node.statistics.rejections) == (64, {"open": 1})
    kept.pop().close()
    async with asyncio.timeout(5):
        while gate.http_open == 64:
            await asyncio.sleep(0.01)
    async with rest.served.client() as client:
        await client.sign_in("ann")
        assert gate.http_open == 63
    for writer in kept:
        writer.close()
    async with asyncio.timeout(5):
        while gate.http_open:
            await asyncio.sleep(0.01)
    assert not gate.http


async def test_an_answer_that_is_never_read(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who takes nothing of an answer is cut off; a WebSocket may be silent for longer than that."""
    monkeypatch.setattr(listening, "UNREAD_S", 1.0)
    for _ in range(25):
        assert (await rest.say("x" * 4_000)).status == 201
    gate = rest.node.gate
    before = gate.http_open
    async with rest.served.client() as client:
        await client.sign_in("ann")
        with closing(deaf_socket()) as ear:
            loop = asyncio.get_running_loop()
            await loop.sock_connect(ear, ("127.0.0.1", rest.served.port))
            ask = f"GET {ROOM} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token('ann')}\r\n\r\n"
            await loop.sock_sendall(ear, ask.encode())
            async with asyncio.timeout(10):
                while gate.http_open == before:
                    await asyncio.sleep(0.01)
                while gate.http_open > before:
                    await asyncio.sleep(0.05)
        assert (await client.ask({"type": "ping"}))["type"] == "pong"
