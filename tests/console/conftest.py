"""A browser, a development server, and windows whose complaints fail the test."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.browsing import chromium
from tests.chatting import Served
from tests.conftest import Serve
from tests.console.windows import Open, Window, window


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def served(serve: Serve) -> Served:
    return await serve(dev=True)


@pytest.fixture
async def enter(browser: Browser, served: Served) -> AsyncIterator[Open]:
    """Open windows that are signed in and in general; none may have complained at the end."""
    opened: list[Window] = []

    async def open_one(user: str, room: str | None = "general", **context: Any) -> Window:
        one = await window(browser, served.port, **context)
        opened.append(one)
        await one.sign_in(user)
        if room is not None:
            await one.join(room)
        return one

    yield open_one
    assert [one.complaints for one in opened if one.complaints] == []
