"""The client in a real Chromium: its own sockets, timers and page events, against this server."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web
from playwright.async_api import Page

from chat.closes import RESYNC
from tests.browsing import chromium, complaints_of
from tests.chatting import Served, token

HERE: Final = Path(__file__).resolve().parent
CLIENT: Final = HERE.parent.parent / "console" / "client.js"

pytestmark = pytest.mark.browser


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    """Serve the page and the module from an origin of their own, as an app does."""
    app = web.Application()
    app.add_routes([web.get("/", _file(HERE / "page.html")), web.get("/client.js", _file(CLIENT))])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def page(origin: str) -> AsyncIterator[Page]:
    """Open the page; anything the browser complains of fails the test."""
    async with chromium() as browser:
        page = await browser.new_page()
        complaints = complaints_of(page)
        await page.goto(origin)
        yield page
        assert complaints == []


async def test_talks_and_resumes(
    serve: Callable[..., Awaitable[Served]], origin: str, page: Page
) -> None:
    """Two people talk; both sockets are cut; what was said meanwhile arrives once, in order."""
    served = await serve(CORS_ALLOWED_ORIGINS=origin)
    await _begin(page, served)
    await page.evaluate("rooms[1].typing()")
    assert (await page.evaluate("rooms[1].send('one')"))["seq"] == 1
    await page.evaluate("""async () => {
        const later = rooms[1].send('two');
        dispatchEvent(new Event('online'));
        await later;
    }""")
    for peer in list(served.node.peers.values()):
        peer.outbox.close(RESYNC)
    await page.evaluate("rooms[1].send('three')")
    await page.wait_for_function("told.messages.length === 3")
    told = await page.evaluate("told")
    assert told["messages"] == [[1, "bo", "one"], [2, "bo", "two"], [3, "bo", "three"]]
    assert told["typing"] == [["bo", True], ["bo", False]]
    assert told["states"] == ["connecting", "online", "connecting", "online"]
    assert told["errors"] == []


async def _begin(page: Page, served: Served) -> None:
    tokens = json.dumps([token("ann"), token("bo")])
    await page.evaluate(f"begin('ws://127.0.0.1:{served.port}/ws', {tokens})")


def _file(path: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path)

    return answer
