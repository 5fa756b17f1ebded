"""What is heard on one WebSocket: fair to the other connections, deaf to who was closed.

The conversation is the transport's protocol, in the place of aiohttp's: a connection costs a third
of the memory and half of the CPU that it would with a task, a queue and a finished HTTP request.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from aiohttp import WebSocketError, WSMsgType
from aiohttp.http_websocket import WebSocketReader

from chat import closes
from chat.closes import Close
from chat.commands import Auth
from chat.frames import Hello
from chat.limits import MINUTE_S
from chat.rate import Window
from handlers.connection import Connection
from handlers.inbox import Inbox, Message
from handlers.node import Node
from handlers.peer import Peer, wall_ms
from handlers.wire import pong_frame

_TURN: Final = 8  # messages of one client, up to 64 commands each, before the others' turn
_PIECE: Final = 4_096  # bytes parsed at a time: a message of none takes a hundred when it is parsed
_DEAF: Final = 256  # messages after our close: who goes on has not listened to it
_NORMAL: Final = 1000
_SENDABLE: Final = frozenset({*range(1000, 1004), *range(1007, 1012), *range(3000, 5000)})
_BAD_FRAME: Final = Close(1002, "bad_frame")
_BROKEN: Final = {close.code: close for close in (closes.NOT_UTF8, closes.TOO_BIG)}

Further = Coroutine[Any, Any, None]


class Conversation(asyncio.Protocol):
    """What is heard on one connection, from the upgrade until it is gone."""

    __slots__ = (
        "_connection",
        "_controls",
        "_inbox",
        "_later",
        "_node",
        "_over",
        "_paused",
        "_peer",
        "_reader",
        "_transport",
        "_unheard",
        "_unread",
    )

    def __init__(self, node: Node, peer: Peer, transport: asyncio.Transport) -> None:
        self._node = node
        self._peer = peer
        self._transport = transport
        self._connection = Connection(node, peer)
        self._inbox = Inbox()
        self._reader = WebSocketReader(
            self._inbox,
            node.limits.frame + 1,  # aiohttp's bound is exclusive
            compress=False,  # bombs, and a cost per subscriber instead of per message
            decode_text=False,
        )
        self._controls = Window(node.options.pace.frames, MINUTE_S)
        self._later: asyncio.Handle | asyncio.Task[None] | None = None
        self._over = False
        self._paused = False
        self._unheard = 0
        self._unread = b""

    def begin(self, token: str | None, early: bytes) -> None:
        """Say hello, sign in by the token of the handshake if there was one, and listen.

        `early` is what the client sent without waiting for the answer to its handshake.
        """
        self._transport.set_protocol(self)
        timeout_s = int(self._node.options.timing.auth_s)
        self._peer.send(Hello(v=1, auth="required", auth_timeout_s=timeout_s, ts=wall_ms()))
        if token is not None:
            self._await(self._connection.attempt_auth(Auth(token=token), self._node.now()))
        if early:
            self.data_received(early)

    def data_received(self, data: bytes) -> None:
        """Take what has come (asyncio calls this)."""
        if self._over:
            return
        self._peer.alive = self._node.now()
        self._unread = self._unread + data if self._unread else data
        if self._later is None:
            self._listen()
        elif not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """More is unsent than a reader may lag behind (asyncio calls this)."""
        self._peer.outbox.behind = True

    def resume_writing(self) -> None:
        """The reader has caught up (asyncio calls this)."""
        self._peer.outbox.behind = False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        """Part with who has gone (asyncio calls this)."""
        self._over = self._peer.outbox.gone = True
        later, self._later = self._later, None
        if later is not None:
            later.cancel()
        self._node.see_off(self._part(later))

    async def _part(self, later: asyncio.Handle | asyncio.Task[None] | None) -> None:
        if isinstance(later, asyncio.Task):
            await asyncio.gather(later, return_exceptions=True)
        await self._connection.close()
        self._node.part(self._peer)

    def _listen(self) -> None:
        """Take a turn's messages; the rest waits until the others had theirs."""
        messages = self._inbox.messages
        for _ in range(_TURN):
            if not messages and self._unread:
                self._parse()
            if not messages:
                if self._paused:
                    self._go_on_reading()
                return
            self._take(messages.pop(0))
            if self._over or self._later is not None:
                return
        self._later = asyncio.get_running_loop().call_soon(self._resume)

    def _parse(self) -> None:
        """Parse until there is a message, or nothing is left."""
        while self._unread and not self._inbox.messages:
            piece, self._unread = self._unread[:_PIECE], self._unread[_PIECE:]
            self._reader.feed_data(piece)

    def _go_on_reading(self) -> None:
        if not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def _resume(self, _done: asyncio.Task[None] | None = None) -> None:
        self._later = None
        if not self._over:
            self._listen()

    def _await(self, further: Further) -> None:
        """Let nothing be heard until this is done: what follows it may rest on it."""
        self._later = asyncio.get_running_loop().create_task(further)
        self._later.add_done_callback(self._resume)

    def _take(self, message: Message) -> None:
        kind, data = message[0], message[1]
        outbox = self._peer.outbox
        if outbox.closed is not None:
            self._unheard += 1
        if kind is WSMsgType.TEXT:
            self._hear(data)
        elif kind is WSMsgType.PING or kind is WSMsgType.PONG:
            self._control(kind, data)
        elif kind is WSMsgType.BINARY:
            outbox.close(closes.BINARY)
        elif kind is WSMsgType.CLOSE:
            self._end(goodbye(data))
        else:
            self._end(
                _BROKEN.get(data.code, _BAD_FRAME)
                if isinstance(data, WebSocketError)
                else _BAD_FRAME
            )
        if self._unheard >= _DEAF:
            self._over = True
            outbox.abort()

    def _end(self, close: Close) -> None:
        """Answer the last that is heard, and hang up when that is out."""
        self._over = True
        self._peer.outbox.close(close)
        self._transport.close()

    def _control(self, kind: WSMsgType, data: bytes) -> None:
        """Answer a ping; so many a minute as of other frames, or unread pongs would pile up."""
        if self._controls.spend(self._peer.alive):
            self._peer.outbox.close(closes.RATE_LIMITED)
        elif kind is WSMsgType.PING:
            self._peer.outbox.control(pong_frame(data))

    def _hear(self, payload: bytes) -> None:
        if self._peer.outbox.closed is not None:
            return
        if not payload.isascii() and not _is_utf8(payload):
            self._peer.outbox.close(closes.NOT_UTF8)
            return
        further = self._connection.hear(payload)
        if further is not None:
            self._await(further)


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
