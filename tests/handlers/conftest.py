"""A client of the REST API: a served node, and requests with a token for whoever asks."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from handlers.listening import EdgeRunner
from handlers.node import NODE
from server.app import build_app
from server.settings import load
from tests.chatting import SECRET, Served, token


class Reply(msgspec.Struct):
    """An answer, read whole."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Rest:
    """Requests to one server; `user=None` asks without a token."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.node = served.node

    async def ask(
        self,
        method: str,
        path: str,
        *,
        user: str | None = "ann",
        rooms: dict[str, str] | None = None,
        scope: str = "",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Reply:
        given = dict(headers or {})
        if user is not None:
            given.setdefault("Authorization", f"Bearer {token(user, rooms, scope=scope)}")
        url = self.served.url + path
        async with self.served.session.request(
            method, url, headers=given, timeout=aiohttp.ClientTimeout(10), **more
        ) as response:
            return Reply(response.status, response.headers, await response.read())

    async def say(self, text: str, room: str = "general", **more: Any) -> Reply:
        return await self.ask("POST", f"/v1/rooms/{room}/messages", json={"text": text}, **more)


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged as a warning or worse; that this machine is slow is none."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= (logging.ERROR if record.name == "asyncio" else logging.WARNING)
    ]


Start = Callable[..., Awaitable[Rest]]


@asynccontextmanager
async def edge(**environment: Any) -> AsyncIterator[Rest]:
    """Run the server on the embedded engine behind the edge's own runner."""
    given = {"REDIS_URL": "memory://", "JWT_SECRET": SECRET, "RATE_LIMIT_MESSAGES_PER_MINUTE": 1000}
    settings = load({name: str(value) for name, value in (given | environment).items()})
    app = build_app(settings)
    runner = EdgeRunner(app, app[NODE].admits, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession() as session:
            yield Rest(Served(runner.app, int(runner.addresses[0][1]), session))
    finally:
        await runner.cleanup()


@pytest.fixture
async def rest_with() -> AsyncIterator[Start]:
    """Start servers with variables of the environment."""
    async with AsyncExitStack() as stack:

        async def start(**environment: Any) -> Rest:
            return await stack.enter_async_context(edge(**environment))

        yield start


@pytest.fixture
async def rest(rest_with: Start) -> Rest:
    """One server with default settings."""
    return await rest_with()
