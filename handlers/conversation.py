"""One loop that listens to a WebSocket: fair to the other connections, deaf to who was closed."""

import asyncio
from typing import Any, Final

from aiohttp import WebSocketError, WSMsgType, web

from chat import closes
from chat.closes import Close
from chat.commands import Auth
from chat.frames import Hello
from chat.limits import MINUTE_S
from chat.rate import Window
from handlers.connection import Connection
from handlers.node import Node
from handlers.peer import Peer, wall_ms
from handlers.wire import pong_frame

_TURN: Final = 8  # messages of one client, up to 64 commands each, before the others' turn
_DEAF: Final = 256  # messages after our close: who goes on has not listened to it
_NORMAL: Final = 1000
_SENDABLE: Final = frozenset({*range(1000, 1004), *range(1007, 1012), *range(3000, 5000)})
_BAD_FRAME: Final = Close(1002, "bad_frame")
_BROKEN: Final = {close.code: close for close in (closes.NOT_UTF8, closes.TOO_BIG)}


class Socket(web.WebSocketResponse[bool]):
    """Leaves saying goodbye to the outbox: nothing may be sent after a close frame."""

    async def close(self, *, code: int = _NORMAL, message: bytes = b"", drain: bool = True) -> bool:
        """Send nothing; the one who listens is told what was wrong, and closes."""
        del code, message, drain
        return False


class Conversation:
    """What is heard on one connection, until either side ends it."""

    def __init__(self, socket: Socket, node: Node, peer: Peer, connection: Connection) -> None:
        self._socket = socket
        self._node = node
        self._peer = peer
        self._connection = connection
        self._controls = Window(node.options.pace.frames, MINUTE_S)

    async def run(self, token: str | None) -> None:
        """Say hello, sign in by the token of the handshake if there was one, and listen."""
        timeout_s = int(self._node.options.timing.auth_s)
        self._peer.send(Hello(v=1, auth="required", auth_timeout_s=timeout_s, ts=wall_ms()))
        if token is not None:
            await self._connection.attempt_auth(Auth(token=token), self._node.now())
        heard = unheard = 0
        while unheard < _DEAF:
            message = await self._socket.receive()  # does not wait while there is one
            if not await self._take(message.type, message.data):
                return
            heard += 1
            if heard % _TURN == 0:
                await asyncio.sleep(0)
            unheard += self._peer.outbox.closed is not None
        self._peer.outbox.abort()

    async def _take(self, kind: WSMsgType, data: Any) -> bool:
        """Take a message in; False: it was the last."""
        self._peer.alive = self._node.now()
        outbox = self._peer.outbox
        if kind is WSMsgType.TEXT:
            await self._hear(data)
        elif kind in {WSMsgType.PING, WSMsgType.PONG}:
            self._control(kind, data)
        elif kind is WSMsgType.BINARY:
            outbox.close(closes.BINARY)
        elif kind is WSMsgType.CLOSE:
            outbox.close(goodbye(data))
            return False
        else:
            if isinstance(data, WebSocketError):
                outbox.close(_BROKEN.get(data.code, _BAD_FRAME))
            return False
        return True

    def _control(self, kind: WSMsgType, data: bytes) -> None:
        """Answer a ping; so many a minute as of other frames, or unread pongs would pile up."""
        if self._controls.spend(self._peer.alive):
            self._peer.outbox.close(closes.RATE_LIMITED)
        elif kind is WSMsgType.PING:
            self._peer.outbox.control(pong_frame(data))

    async def _hear(self, payload: bytes) -> None:
        if self._peer.outbox.closed is not None:
            return
        if not payload.isascii() and not _is_utf8(payload):
            self._peer.outbox.close(closes.NOT_UTF8)
            return
        await self._connection.hear(payload)


def goodbye(code: int) -> Close:
    """Return the answer to a client's close: its own code; 1000 to none, 1002 to a wrong one.

    Wrong by RFC 6455 §7.4 are 1006 and what no range holds; aiohttp lets these through.
    """
    return Close(code if code in _SENDABLE else _BAD_FRAME.code if code else _NORMAL, "")


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
