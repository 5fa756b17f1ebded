"""A real server in this process, and a WebSocket client that waits for frames by their type."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
from aiohttp import WSMsgType, web

from handlers.listening import EdgeRunner
from handlers.node import NODE, Node
from server.app import build_app, own_origins
from server.environment import Secret
from server.life import port_of
from server.settings import load
from server.tokens import mint

SECRET: Final = "0123456789abcdef-0123456789abcdef-tests"
ORIGIN: Final = "http://localhost:3000"
PATIENCE_S: Final = 10.0

Frame = dict[str, Any]


def token(user: str, rooms: dict[str, str] | None = None, **more: Any) -> str:
    """Return a token; without `rooms` it opens every room."""
    rooms = {"*": "rwm"} if rooms is None else rooms
    return mint(Secret(SECRET), user, rooms, audience="chat", name=user.capitalize(), **more)


def deaf_socket() -> socket.socket:
    """Return one that takes little, to be connected and not read from."""
    ear = socket.socket()
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    ear.setblocking(False)  # noqa: FBT003 - the standard library's own way
    return ear


class Closed(Exception):
    """The server has closed the connection while a frame was waited for."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Client:
    """One WebSocket; frames that were not waited for stay in `seen`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen: list[Frame] = []
        self.patience: float | None = PATIENCE_S
        self._unread: list[Frame] = []

    async def send(self, *frames: Frame) -> None:
        """Send one frame, or several as an array."""
        await self.socket.send_str(json.dumps(frames[0] if len(frames) == 1 else frames))

    async def receive(self) -> Frame:
        """Return the next frame; raises `Closed`."""
        while not self._unread:
            message = await self.socket.receive(self.patience)
            if message.type is WSMsgType.TEXT:
                got = json.loads(message.data)
                self._unread.extend(got if isinstance(got, list) else [got])
            else:
                reason = message.extra or ""
                raise Closed(self.socket.close_code, reason)
        self.seen.append(self._unread.pop(0))
        return self.seen[-1]

    async def until(self, kind: str, **fields: Any) -> Frame:
        """Return the next frame of this type with these fields; others are passed over."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame = await self.receive()
                if frame["type"] == kind and fields.items() <= frame.items():
                    return frame

    async def ask(self, frame: Frame) -> Frame:
        """Send a frame with an id, and return its terminal reply."""
        frame = {"id": f"q{len(self.seen)}", **frame}
        await self.send(frame)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                reply = await self.receive()
                if reply.get("id") == frame["id"]:
                    return reply

    async def sign_in(self, user: str, rooms: dict[str, str] | None = None, **more: Any) -> Frame:
        """Authenticate."""
        return await self.ask({"type": "auth", "token": token(user, rooms), **more})

    async def join(self, room: str = "general", **more: Any) -> Frame:
        """Join a room."""
        return await self.ask({"type": "join", "room": room, **more})

    async def publish(self, text: str, room: str = "general", **more: Any) -> Frame:
        """Publish a text, and return the ack or error."""
        return await self.ask({"type": "publish", "room": room, "text": text, **more})

    async def closing(self) -> Closed:
        """Wait for the server to close, and return how."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    await self.receive()
        except Closed as closed:
            return closed


class Served:
    """A running server: its base URL, its node, and clients for it."""

    def __init__(self, app: web.Application, port: int, session: aiohttp.ClientSession) -> None:
        self.node: Node = app[NODE]
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.session = session

    @asynccontextmanager
    async def client(self, **more: Any) -> AsyncIterator[Client]:
        """Connect; `protocols`, `origin`, `headers` as of the client library."""
        more.setdefault("protocols", ("chat.v1",))
        more.setdefault("autoping", True)
        async with self.session.ws_connect(f"{self.url}/ws", **more) as socket:
            yield Client(socket)


@asynccontextmanager
async def serving(*, dev: bool = False, **environment: Any) -> AsyncIterator[Served]:
    """Run the server on the embedded engine, on a free port, with generous limits."""
    generous = {
        "PORT": "0",
        "REDIS_URL": "memory://",
        "JWT_SECRET": SECRET,
        "WEBSOCKET_MAX_CONNECTIONS": "5000",
        "WEBSOCKET_MAX_CONNECTIONS_PER_IP": "5000",
        "WEBSOCKET_MAX_UNAUTHENTICATED_PER_IP": "5000",
        "WEBSOCKET_HANDSHAKES_PER_MINUTE": "100000",
        "RATE_LIMIT_MESSAGES_PER_MINUTE": "100000",
    }
    settings = load({**generous, **{name: str(value) for name, value in environment.items()}})
    app = build_app(settings, dev=dev)
    runner = EdgeRunner(app, app[NODE].admits, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", settings.port)
        await site.start()
        port = port_of(runner)
        if dev:
            app[NODE].own_origins = own_origins(port)
        async with aiohttp.ClientSession() as session:
            yield Served(app, port, session)
    finally:
        await runner.cleanup()
