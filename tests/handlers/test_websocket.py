"""The WebSocket route: the handshake's checks, and what ends a connection."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from handlers import websocket
from handlers.node import Node
from tests.chatting import ORIGIN, Client, Closed, Served, token
from tests.conftest import Connect, Serve
from tests.handlers.conftest import complaints
from tests.handlers.framing import TEXT, command, frame, spoken

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


async def raw(served: Served, *lines: str, version: str = "1.1") -> bytes:
    """Send a request line by line, and return the head of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    head = f"GET /ws HTTP/{version}\r\nHost: localhost\r\n" + "".join(f"{x}\r\n" for x in lines)
    writer.write(head.encode() + b"\r\n")
    try:
        return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    finally:
        writer.close()


def lines(**changes: str | None) -> list[str]:
    """Return a good handshake's header lines, with changes (None: left out)."""
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    return [f"{k}: {v}" for k, v in {**UPGRADE, **named}.items() if v is not None]


async def test_good_handshake(serve: Serve) -> None:
    """A handshake by the book is upgraded, to chat.v1 when that is offered, uncompressed."""
    served = await serve()
    answer = await raw(served, *lines(Sec_WebSocket_Protocol="chat.v1"))
    assert answer.startswith(b"HTTP/1.1 101")
    assert b"Sec-WebSocket-Protocol: chat.v1" in answer
    deflate = "Sec-WebSocket-Extensions: permessage-deflate"
    assert b"Extensions" not in await raw(served, *lines(), deflate)
    assert served.node.statistics.attempts == {"accepted": 2}


@pytest.mark.parametrize(
    ("extra", "changes", "status"),
    [
        (["Origin: http://evil.example"], {}, 403),
        (["Origin: null"], {}, 403),
        (["Origin: http://localhost:3000.evil.example"], {}, 403),
        (["Origin: http://localhost:30001"], {}, 403),
        (["Origin: https://localhost:3000"], {}, 403),
        (["Origin: http://localhost:3000", "Origin: http://localhost:3001"], {}, 403),
        (["Origin: "], {}, 403),
        (["Sec-WebSocket-Protocol: chat.v2"], {}, 400),
        (["Sec-WebSocket-Protocol: bearer.abc"], {}, 400),
        ([], {"Sec_WebSocket_Version": "8"}, 426),
        ([], {"Sec_WebSocket_Version": None}, 426),
        ([], {"Upgrade": None}, 426),
        ([], {"Sec_WebSocket_Key": None}, 400),
        ([], {"Sec_WebSocket_Key": "short"}, 400),
        ([], {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZé=="}, 400),
        ([], {"Connection": None}, 400),
        ([], {"Connection": "keep-alive"}, 400),
        (["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="], {}, 400),
    ],
)
async def test_bad_handshake(
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    extra: list[str],
    changes: dict[str, str | None],
    status: int,
) -> None:
    """A handshake that is not right is refused before the upgrade with the status of the table."""
    served = await serve()
    answer = await raw(served, *lines(**changes), *extra)
    assert answer.startswith(f"HTTP/1.1 {status}".encode()), answer
    if status == 426:
        assert b"Sec-WebSocket-Version: 13" in answer
    assert b"Connection: close" in answer
    assert complaints(caplog) == []
    assert served.node.statistics.attempts == {"bad_handshake": 1}


async def test_http_1_0_is_refused(serve: Serve) -> None:
    """An upgrade by HTTP/1.0 is refused."""
    assert b" 400 " in await raw(await serve(), *lines(), version="1.0")


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:3001", None])
async def test_known_origins(serve: Serve, origin: str | None) -> None:
    """The frontend's origins, and programs that send none, are let in."""
    served = await serve()
    async with served.client(origin=origin) as client:
        assert (await client.receive())["type"] == "hello"


async def test_bearer_subprotocol(serve: Serve) -> None:
    """A token in the subprotocol signs in before the first frame, and is not echoed."""
    served = await serve()
    async with served.client(protocols=("chat.v1", f"bearer.{token('ann')}")) as client:
        assert (await client.until("welcome"))["user"] == {"id": "ann", "name": "Ann"}
        assert client.socket.protocol == "chat.v1"


async def test_subprotocols_on_two_lines(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A subprotocol is chosen from all lines that offer some, and nothing is said of the others."""
    offers = ("Sec-WebSocket-Protocol: other", "Sec-WebSocket-Protocol: chat.v1")
    answer = await raw(await serve(), *lines(), *offers)
    assert answer.startswith(b"HTTP/1.1 101")
    assert answer.count(b"Sec-WebSocket-Protocol: chat.v1\r\n") == 1
    assert complaints(caplog) == []


async def test_full_node(serve: Serve) -> None:
    """The connection after the last is 503 with Retry-After; when one leaves there is room."""
    served = await serve(WEBSOCKET_MAX_CONNECTIONS=2, WEBSOCKET_MAX_CONNECTIONS_PER_IP=2)
    async with served.client(), served.client() as second:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await served.session.ws_connect(f"{served.url}/ws")
        assert caught.value.status == 503
        assert caught.value.headers is not None
        assert int(caught.value.headers["Retry-After"]) >= 1
        await second.socket.close()
        async with served.client() as third:
            assert (await third.receive())["type"] == "hello"


async def test_limit_per_address_is_exact(serve: Serve) -> None:
    """Of fifty parallel attempts exactly as many get in as one address may have."""
    served = await serve(WEBSOCKET_MAX_CONNECTIONS_PER_IP=7)
    attempts = [served.session.ws_connect(f"{served.url}/ws") for _ in range(50)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    sockets = [r for r in results if isinstance(r, aiohttp.ClientWebSocketResponse)]
    refused = [r for r in results if isinstance(r, aiohttp.WSServerHandshakeError)]
    assert len(sockets) == 7
    assert {r.status for r in refused} == {429}
    for socket in sockets:
        await socket.close()


async def test_limit_per_user_is_exact(serve: Serve) -> None:
    """Of fifty who sign in at once as one user seven stay; the others end by 4005."""
    served = await serve(WEBSOCKET_MAX_CONNECTIONS_PER_USER=7)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(served.client()) for _ in range(50)]
        replies = await asyncio.gather(*(client.sign_in("ann") for client in clients))
        assert {reply["type"] for reply in replies} == {"welcome"}
        pinged = [asyncio.create_task(client.ask({"type": "ping"})) for client in clients]
        ends = await asyncio.gather(*pinged, return_exceptions=True)
    assert sum(isinstance(end, dict) for end in ends) == 7
    assert {end.code for end in ends if isinstance(end, Closed)} == {4005}


async def test_total_is_exact(serve: Serve) -> None:
    """Of fifty parallel attempts exactly as many get in as the node has room for."""
    served = await serve(WEBSOCKET_MAX_CONNECTIONS=7, WEBSOCKET_MAX_CONNECTIONS_PER_IP=7)
    attempts = [served.session.ws_connect(f"{served.url}/ws") for _ in range(50)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    refused = [r for r in results if isinstance(r, aiohttp.WSServerHandshakeError)]
    assert len(refused) == 43
    assert {r.status for r in refused} == {503}
    for result in results:
        if isinstance(result, aiohttp.ClientWebSocketResponse):
            await result.close()


async def test_a_client_that_is_gone_before_the_answer(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who vanishes during the handshake leaves no count behind and no complaint in the log."""
    served = await serve()

    def vanish(request: web.Request, _: Node) -> None:
        assert request.transport is not None
        request.transport.abort()

    monkeypatch.setattr(websocket, "_examine", vanish)
    with pytest.raises((ConnectionError, EOFError)):
        await raw(served, *lines())
    assert served.node.gate.active == 0
    assert complaints(caplog) == []


async def test_handshake_rate(serve: Serve) -> None:
    """One address may not shake hands more often than the limit in a minute."""
    served = await serve(WEBSOCKET_HANDSHAKES_PER_MINUTE=3)
    for _ in range(3):
        async with served.client():
            pass
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await served.session.ws_connect(f"{served.url}/ws")
    assert caught.value.status == 429


async def test_binary_frame(connect: Connect) -> None:
    """A binary frame closes with 1003."""
    client: Client = await connect()
    await client.socket.send_bytes(b"{}")
    assert (await client.closing()).code == 1003


async def test_not_utf8(connect: Connect) -> None:
    """Text that is not UTF-8 closes with 1007."""
    client: Client = await connect()
    await client.socket.send_frame(b'{"type":"ping","x":"\xff"}', WSMsgType.TEXT)
    assert (await client.closing()).code == 1007


async def test_frame_at_and_over_the_limit(connect: Connect) -> None:
    """A frame of exactly the limit is taken; a byte more closes with 1009."""
    client: Client = await connect()
    frame = '{"type":"ping","id":1}'
    await client.socket.send_str(frame + " " * (16_384 - len(frame)))
    assert (await client.until("pong"))["id"] == 1
    await client.socket.send_str(frame + " " * (16_385 - len(frame)))
    assert (await client.closing()).code == 1009


async def test_ping_frames_are_answered(connect: Connect) -> None:
    """A WebSocket ping is answered by a pong with the same data."""
    client: Client = await connect(autoping=False)
    await client.socket.ping(b"are you there")
    message = await client.socket.receive(5)
    assert (message.type, message.data) == (WSMsgType.PONG, b"are you there")


async def test_close_is_answered_once(serve: Serve) -> None:
    """A client's close is answered with the same code by one close frame, then TCP ends."""
    served = await serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    head = "GET /ws HTTP/1.1\r\nHost: x\r\n" + "".join(f"{line}\r\n" for line in lines()) + "\r\n"
    writer.write(head.encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"\x88\x82\x00\x00\x00\x00\x03\xe8")
    rest = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert rest.count(b"\x88\x02\x03\xe8") == 1
    assert rest.endswith(b"\x88\x02\x03\xe8")


async def test_unmasked_frames_are_still_taken(serve: Serve) -> None:
    """The library takes a client's unmasked frame; the day it refuses, docs/security.md changes."""
    async with spoken(await serve()) as wire:
        await wire.send([frame(TEXT, command(), mask=None)])
        assert (await wire.hear("a")).answered == ["a"]


async def test_nothing_follows_a_close_frame(serve: Serve) -> None:
    """What was answered before a broken frame goes out before the close, nothing after it."""
    async with spoken(await serve()) as wire:
        await wire.send([frame(TEXT, command()) * 3 + frame(TEXT, rsv=4)])
        heard = await wire.hear()
    assert (heard.answered, heard.closes, heard.ended) == (["a"] * 3, [1002], True)
