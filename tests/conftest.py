"""What tests of several packages share: a server on a free port, and clients that talk to it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.chatting import Client, Served, serving

Serve = Callable[..., Awaitable[Served]]
Connect = Callable[..., Awaitable[Client]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start servers, with variables of the environment; every one is stopped at the end."""
    async with AsyncExitStack() as stack:

        async def start(**environment: Any) -> Served:
            return await stack.enter_async_context(serving(**environment))

        yield start


@pytest.fixture
async def connect(serve: Serve) -> AsyncIterator[Connect]:
    """Connect signed-in clients, to one server of this test unless told otherwise."""
    async with AsyncExitStack() as stack:
        served: list[Served] = []

        async def start(
            user: str | None = "ann", *, to: Served | None = None, **more: Any
        ) -> Client:
            if to is None:
                if not served:
                    served.append(await serve())
                to = served[0]
            client = await stack.enter_async_context(to.client(**more))
            if user is not None:
                await client.sign_in(user)
            return client

        yield start
