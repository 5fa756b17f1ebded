"""What happens before a request reaches the application: malformed HTTP, slow headers, codings.

aiohttp answers these by itself: it repeats bytes of the request, names its version, logs a
traceback, and waits an hour for a header.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any, Final, cast

from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestHandler

from chat.errors import Refusal
from handlers.middlewares import CSP, translate
from handlers.problems import incident, problem

HEADER_S: Final = 20.0  # a phone on a bad link sends a kilobyte of header in five
KEEP_ALIVE_S: Final = 75.0  # longer than nginx keeps idle upstream connections: 60 s
UNREAD_S: Final = 30.0  # for a client to take some of what it has asked for, as on a WebSocket
LINGER_S: Final = 2.0  # for a refused client to read why, before what it still sends is reset
_SERVER_ERROR: Final = 500
_log: Final = logging.getLogger("holdfast.edge")

Admits = Callable[[str], Callable[[], None] | None]  # of an address; what is called at the end


class _Answer(web.Response):
    """An answer outside the application, whose hook for headers does not see it."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.pop(hdrs.SERVER, None)


class EdgeProtocol(RequestHandler):
    """One HTTP connection; its first header has 20 s, the next ones the keep-alive time."""

    __slots__ = ("_admits", "_garbled", "_header_due", "_leave")

    def __init__(self, manager: web.Server, admits: Admits, **options: Any) -> None:
        super().__init__(manager, **options)
        self._admits = admits

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the time for the header, or cut off who has come too often or has too many."""
        leave = self._admits(_address(transport))
        if leave is None:
            transport = cast("asyncio.Transport", transport)
            transport.set_protocol(asyncio.Protocol())  # to whom it means nothing that it ends
            transport.abort()
            return
        self._leave = leave
        bear_unread(transport, UNREAD_S)
        super().connection_made(transport)
        self._garbled = False
        self._header_due = self._loop.call_later(HEADER_S, self._give_up)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop it, and count the connection out."""
        self._header_due.cancel()
        self._leave()
        super().connection_lost(exc)

    def hand_over(self) -> bytes:
        """Let go of the connection: its transport has another protocol from now on.

        Returns what the client has sent behind its request. All that aiohttp keeps for a
        connection (request, parser, timers, task) ends here, not with the socket.
        """
        early, self._message_tail = self._message_tail, b""
        self.transport = None  # so that it is not closed
        self.connection_lost(None)
        return early

    def data_received(self, data: bytes) -> None:
        """Take bytes in; after some that were no HTTP nothing that follows can be."""
        if not self._garbled:
            super().data_received(data)
            self._look_for_errors()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; what came behind a refused upgrade is parsed here."""
        finished = await super().finish_response(request, resp, start_time)
        self._look_for_errors()
        return finished

    def _look_for_errors(self) -> None:
        """Cut the circle of a parser's error: its traceback holds all that was received."""
        for message, _ in self._messages:
            error = getattr(message, "exc", None)
            if error is not None:
                error.__traceback__ = None
                self._garbled = True

    def _give_up(self) -> None:
        if not self._request_count:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - the signature is aiohttp's
    ) -> web.StreamResponse:
        """Refuse what is no HTTP without a word of it; `message` repeats what the client sent."""
        if request.writer.output_size > 0:
            raise ConnectionError("half an answer is out")
        if status < _SERVER_ERROR or exc is None:
            _log.info("malformed_request", extra={"status": status, "error": type(exc).__name__})
            refused = problem(Refusal("bad_request", "malformed HTTP"), status=status)
        else:
            refused = problem(incident(exc, "http"), status=status)
        answer = _Answer(body=refused.body, status=status, headers=refused.headers)
        answer.headers.update({"X-Content-Type-Options": "nosniff", "Content-Security-Policy": CSP})
        answer.headers[hdrs.CACHE_CONTROL] = "no-store"
        answer.force_close()
        return answer


def bear_unread(transport: asyncio.BaseTransport, seconds: float) -> None:
    """Let the kernel cut who takes nothing of what is sent to it for so long; never, if 0.

    Only the kernel sees that (tcp(7), TCP_USER_TIMEOUT): what is unsent of a short answer lies in
    its buffers, and closing waits for that.
    """
    plug = transport.get_extra_info("socket")
    if plug is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


def _address(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""


class _EdgeServer(web.Server):
    """Makes the protocol of each connection."""

    admits: Admits

    def __call__(self) -> RequestHandler:
        return EdgeProtocol(self, self.admits, loop=self._loop, **self._kwargs)


class EdgeRunner(web.AppRunner):
    """Runs an application behind `EdgeProtocol`; bodies stay as they came, never inflated.

    `admits` lets an address open one more connection and returns what is to be called at its end,
    or returns None.
    """

    def __init__(
        self, app: web.Application, admits: Admits = lambda _: lambda: None, **options: Any
    ) -> None:
        self._admits = admits
        options.setdefault("keepalive_timeout", KEEP_ALIVE_S)
        options.setdefault("lingering_time", LINGER_S)
        super().__init__(app, auto_decompress=False, **options)

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            try:
                return await server.request_handler(request)
            except web.HTTPException as error:  # of `Expect`, looked at before any middleware
                if not isinstance(request, web.Request):
                    raise
                return translate(request, error)

        edge = _EdgeServer(
            answer,
            request_factory=server.request_factory,
            loop=server._loop,  # noqa: SLF001 - aiohttp offers no way to choose the protocol
            **server._kwargs,  # noqa: SLF001
        )
        edge.admits = self._admits
        return edge
