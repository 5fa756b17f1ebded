"""The WebSocket route: the handshake's checks in their order, then one loop that listens."""

import secrets
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Final

from aiohttp import WebSocketError, WSMsgType, web

from chat import closes
from chat.closes import Close
from chat.commands import Auth
from chat.errors import Refusal
from chat.frames import Hello
from handlers.address import client_address
from handlers.connection import Connection
from handlers.gate import Entry
from handlers.node import NODE, Node
from handlers.peer import Peer, wall_ms
from handlers.problems import problem
from handlers.wire import pong_frame

PROTOCOL: Final = "chat.v1"
_BEARER: Final = "bearer."
_VERSION: Final = "13"
_CONN_BYTES: Final = 9
_BAD_FRAME: Final = Close(1002, "bad_frame")
_BROKEN: Final = {close.code: close for close in (closes.NOT_UTF8, closes.TOO_BIG)}
_NORMAL: Final = 1000
_SEND_BUFFER: Final = 1 << 17  # bytes; the kernel doubles it: 2.5 MB/s at 100 ms round trip
_SENDABLE: Final = frozenset({*range(1000, 1004), *range(1007, 1012), *range(3000, 5000)})


class _Socket(web.WebSocketResponse[bool]):
    """Leaves saying goodbye to the outbox: nothing may be sent after a close frame."""

    async def close(self, *, code: int = _NORMAL, message: bytes = b"", drain: bool = True) -> bool:
        """Send nothing; the one who listens is told what was wrong, and closes."""
        del code, message, drain
        return False


async def websocket(request: web.Request) -> web.StreamResponse:
    """Upgrade to `chat.v1`, or refuse before the upgrade with the status the protocol gives."""
    node = request.app[NODE]
    address = client_address(request, node.options.trusted_proxies)
    try:
        entry = node.gate.enter(address, node.now())
    except Refusal as refusal:
        return problem(refusal)
    try:
        return await _upgrade(request, node, address, entry)
    finally:
        entry.leave()


async def _upgrade(
    request: web.Request, node: Node, address: str, entry: Entry
) -> web.StreamResponse:
    refusal = _examine(request, node)
    if refusal is not None:
        node.statistics.attempts["bad_handshake"] += 1
        return refusal
    socket = _Socket(
        protocols=(PROTOCOL,),
        autoping=False,  # pings and pongs of ours go the way of all frames
        autoclose=False,
        compress=False,  # bombs, and a cost per subscriber instead of per message
        max_msg_size=node.limits.frame + 1,  # aiohttp's bound is exclusive
        decode_text=False,
    )
    await socket.prepare(request)
    transport = request.transport
    if transport is None:
        return socket
    # Left to itself the kernel keeps up to 4 MiB for a reader that has stopped reading.
    transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, _SEND_BUFFER)
    peer = node.greet(secrets.token_urlsafe(_CONN_BYTES), address, transport)
    peer.entry = entry
    connection = Connection(node, peer)
    try:
        await _converse(socket, node, peer, connection, _bearer(request))
    finally:
        await connection.close()
        node.part(peer)
        peer.outbox.flush()
        transport.close()
    return socket


def _examine(request: web.Request, node: Node) -> web.Response | None:
    """Return the refusal of a handshake, or None (RFC 6455 §4.2; aiohttp is laxer)."""
    headers = request.headers
    origins = headers.getall("Origin", [])
    if len(origins) > 1 or (origins and origins[0] not in node.options.origins):
        return problem(Refusal("forbidden", "origin not allowed"))
    offered = _offered(request)
    if offered and PROTOCOL not in offered:
        return problem(Refusal("bad_request", f"offer the subprotocol {PROTOCOL}"))
    if request.version < (1, 1) or len(headers.getall("Sec-WebSocket-Key", [])) != 1:
        return problem(Refusal("bad_request", "not a WebSocket handshake"))
    if headers.get("Upgrade", "").lower() != "websocket" or headers.getall(
        "Sec-WebSocket-Version", []
    ) != [_VERSION]:
        response = problem(Refusal("bad_request", "WebSocket version 13 required"), status=426)
        response.headers["Sec-WebSocket-Version"] = _VERSION
        response.headers["Upgrade"] = "websocket"
        return response
    return None


def _offered(request: web.Request) -> list[str]:
    lines = request.headers.getall("Sec-WebSocket-Protocol", [])
    return [name.strip() for line in lines for name in line.split(",") if name.strip()]


def _bearer(request: web.Request) -> str | None:
    tokens = [name for name in _offered(request) if name.startswith(_BEARER)]
    return tokens[0].removeprefix(_BEARER) if tokens else None


async def _converse(
    socket: _Socket,
    node: Node,
    peer: Peer,
    connection: Connection,
    token: str | None,
) -> None:
    timeout_s = int(node.options.timing.auth_s)
    now_ms = wall_ms()
    peer.send(Hello(v=1, auth="required", auth_timeout_s=timeout_s, ts=now_ms))
    if token is not None:
        await connection.attempt_auth(Auth(token=token), node.now())
    while True:
        message = await socket.receive()
        peer.alive = node.now()
        if message.type is WSMsgType.TEXT:
            await _hear(peer, connection, message.data)
        elif message.type is WSMsgType.PING:
            peer.outbox.control(pong_frame(message.data))
        elif message.type is WSMsgType.BINARY:
            peer.outbox.close(closes.BINARY)
        elif message.type is WSMsgType.CLOSE:
            peer.outbox.close(_goodbye(message.data))
            return
        elif message.type is WSMsgType.ERROR:
            if isinstance(message.data, WebSocketError):
                peer.outbox.close(_BROKEN.get(message.data.code, _BAD_FRAME))
            return
        elif message.type is not WSMsgType.PONG:
            return


def _goodbye(code: int) -> Close:
    """Return the answer to a client's close: its own code; 1000 to none, 1002 to a wrong one.

    Wrong by RFC 6455 §7.4 are 1006 and what no range holds; aiohttp lets these through.
    """
    return Close(code if code in _SENDABLE else _BAD_FRAME.code if code else _NORMAL, "")


async def _hear(peer: Peer, connection: Connection, payload: bytes) -> None:
    if peer.outbox.closed is not None:
        return
    if not payload.isascii() and not _is_utf8(payload):
        peer.outbox.close(closes.NOT_UTF8)
        return
    await connection.hear(payload)


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
