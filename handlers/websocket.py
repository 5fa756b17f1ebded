"""The WebSocket route: the handshake's checks in their order, then the conversation."""

import logging
import re
import secrets
from contextlib import suppress
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET
from typing import Final

from aiohttp import web

from chat.errors import Refusal
from handlers.address import client_address
from handlers.conversation import Conversation
from handlers.gate import Entry
from handlers.listening import EdgeProtocol, bear_unread
from handlers.node import NODE, Node
from handlers.problems import problem
from handlers.tracing import HandshakeTrace

PROTOCOL: Final = "chat.v1"
_BEARER: Final = "bearer."
_VERSION: Final = "13"
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==")  # 16 bytes in base64
_CONN_BYTES: Final = 9
_RECEIVE_BUFFER: Final = 1 << 15  # bytes; what is read at once is parsed at once, and all wait
_SEND_BUFFER: Final = 1 << 17  # bytes; the kernel doubles it: 2.5 MB/s at 100 ms round trip

# It warns, by the whole address, of offers that it is not told to choose from.
logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)


class Handshake(web.WebSocketResponse[bool]):
    """Answers the upgrade, and no more: what follows is the conversation's."""

    def _post_start(self, *_: object) -> None:
        """Begin to read nothing."""

    async def write_eof(self, data: bytes = b"") -> None:
        """End nothing."""


async def websocket(request: web.Request) -> web.StreamResponse:
    """Upgrade to `chat.v1`, or refuse before the upgrade with the status the protocol gives."""
    node = request.app[NODE]
    trace = None if node.tracing is None else node.tracing.handshake()
    address = client_address(request, node.options.trusted_proxies)
    try:
        entry = node.gate.enter(address, node.now())
    except Refusal as refusal:
        return _told(trace, _turned_away(problem(refusal)))
    begun = False
    try:
        refused = _examine(request, node)
        if refused is not None:
            node.statistics.attempts["bad_handshake"] += 1
            return _told(trace, _turned_away(refused))
        handshake = Handshake(compress=False)
        if _named(request, "Sec-WebSocket-Protocol"):
            handshake.headers["Sec-WebSocket-Protocol"] = PROTOCOL
        with suppress(ConnectionError):  # the client has gone already
            await handshake.prepare(request)
            begun = _begin(request, node, address, entry)
        return _told(trace, handshake)
    finally:
        if not begun:
            entry.leave()


def _told(trace: HandshakeTrace | None, answer: web.StreamResponse) -> web.StreamResponse:
    if trace is not None:
        trace.end(answer.status)
    return answer


def _begin(request: web.Request, node: Node, address: str, entry: Entry) -> bool:
    """Begin the conversation, unless the client has gone already."""
    protocol, transport = request.protocol, request.transport
    if transport is None or transport.is_closing():
        return False
    assert isinstance(protocol, EdgeProtocol)  # noqa: S101 - for the type checker
    # Left to itself the kernel keeps up to 4 MiB for a reader that has stopped reading.
    plug = transport.get_extra_info("socket")
    plug.setsockopt(SOL_SOCKET, SO_SNDBUF, _SEND_BUFFER)
    plug.setsockopt(SOL_SOCKET, SO_RCVBUF, _RECEIVE_BUFFER)
    bear_unread(transport, 0)  # a phone may be longer in a tunnel; who is too far behind is closed
    peer = node.greet(secrets.token_urlsafe(_CONN_BYTES), address, transport)
    peer.entry = entry
    node.statistics.attempts["accepted"] += 1
    Conversation(node, peer, transport).begin(_bearer(request), protocol.hand_over())
    return True


def _turned_away(response: web.Response) -> web.Response:
    """Close behind a refused handshake: what follows it would be frames, not requests."""
    response.force_close()
    return response


def _examine(request: web.Request, node: Node) -> web.Response | None:
    """Return the refusal of a handshake, or None (RFC 6455 §4.2; aiohttp is laxer)."""
    headers = request.headers
    origins = headers.getall("Origin", [])
    if len(origins) > 1 or (origins and not node.admits_origin(origins[0])):
        return problem(Refusal("forbidden", "origin not allowed"))
    offered = _named(request, "Sec-WebSocket-Protocol")
    if offered and PROTOCOL not in offered:
        return problem(Refusal("bad_request", f"offer the subprotocol {PROTOCOL}"))
    keys = headers.getall("Sec-WebSocket-Key", [])
    if request.version < (1, 1) or len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        return problem(Refusal("bad_request", "not a WebSocket handshake"))
    if "upgrade" not in (name.lower() for name in _named(request, "Connection")):
        return problem(Refusal("bad_request", "not an upgrade"))
    if headers.get("Upgrade", "").lower() != "websocket" or headers.getall(
        "Sec-WebSocket-Version", []
    ) != [_VERSION]:
        response = problem(Refusal("bad_request", "WebSocket version 13 required"), status=426)
        response.headers["Sec-WebSocket-Version"] = _VERSION
        response.headers["Upgrade"] = "websocket"
        return response
    return None


def _named(request: web.Request, header: str) -> list[str]:
    """Return what a header lists, on however many lines."""
    lines = request.headers.getall(header, [])
    return [name.strip() for line in lines for name in line.split(",") if name.strip()]


def _bearer(request: web.Request) -> str | None:
    offered = _named(request, "Sec-WebSocket-Protocol")
    tokens = [name for name in offered if name.startswith(_BEARER)]
    return tokens[0].removeprefix(_BEARER) if tokens else None
