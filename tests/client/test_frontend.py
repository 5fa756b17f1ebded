"""The README's page, word for word, on http://localhost:3000: while all goes well, and while not.

The browser is led from these addresses to free ports, so that tests may run beside each other.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Page, expect

from deploy.local.chat_node import SERVER, ChatNode
from deploy.local.cluster import Cluster
from deploy.local.demo import GENEROUS
from deploy.local.ports import free_port
from tests.browsing import chromium, complaints_of
from tests.deploy.nginx import proxying

ROOT: Final = Path(__file__).resolve().parents[2]
FRONTEND: Final = "localhost:3000"
SERVER_PLACE: Final = "localhost:8080"
(PAGE,) = re.findall(r"```html\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
START_S: Final = 20.0
RECOVERY_MS: Final = 20_000  # 2.8 s on a quiet machine; this is for a busy one

pytestmark = pytest.mark.browser


class Window:
    """The README's page, open as somebody."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints = complaints_of(page)
        self.state = page.locator("#state")
        self.lines = page.get_by_role("listitem")

    async def open(self, user: str) -> None:
        await self.page.goto(f"http://{FRONTEND}/#{user}")
        await expect(self.state).to_have_text("online")

    async def say(self, text: str) -> None:
        field = self.page.get_by_role("textbox", name="Message")
        await field.fill(text)
        await field.press("Enter")

    async def shows(self, *said: str) -> None:
        """Wait until the list holds just this, in this order, whatever stands behind each."""
        lines = [re.compile(rf"^{re.escape(text)} (acked)?$") for text in said]
        await expect(self.lines).to_have_text(lines, timeout=RECOVERY_MS)


async def test_the_page_of_the_readme_works_against_make_run() -> None:
    """Saved, served and opened as the README says, beside `make run`, two people talk."""
    command = re.search(
        r"^run:.*\n\t\S+/python (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert command is not None
    port = free_port()
    async with developing(command[1].split(), port), frontend(port) as (ann, bo):
        await ann.say("hello")
        await bo.say("<b>hi</b>")
        for window in (ann, bo):
            await window.shows("ann: hello", "bo: <b>hi</b>")
            assert window.complaints == []


async def test_the_page_works_through_dying_servers_and_masters() -> None:
    """A server is killed, then the master: both pages show all that was said, once, in order."""
    async with Cluster(settings=GENEROUS) as cluster:
        chats = [cluster.chat(command=(*SERVER, "--dev")) for _ in range(2)]
        await asyncio.gather(*(chat.start() for chat in chats))
        async with (
            proxying([chat.port for chat in chats]) as proxy,
            frontend(int(proxy.url.rpartition(":")[2])) as (ann, bo),
        ):
            said = await talk([], ann, bo)
            assert [await sockets(chat) for chat in chats] == [1, 1]
            await cluster.kill(chats[0])
            said = await talk(said, ann, bo)
            assert await sockets(chats[1]) == 2
            await cluster.kill(await cluster.master())
            said = await talk(said, ann, bo)
            for window in (ann, bo):
                await expect(window.state).to_have_text("online")


async def talk(said: list[str], *windows: Window) -> list[str]:
    """Let each say something in turn, and wait until the others see it; return all of it."""
    for _ in range(3):
        for window, user in zip(windows, ("ann", "bo"), strict=True):
            await window.say(str(len(said)))
            said = [*said, f"{user}: {len(said)}"]
            await asyncio.gather(*(window.shows(*said) for window in windows))
    return said


async def sockets(chat: ChatNode) -> int:
    """Return how many clients a server has."""
    async with aiohttp.ClientSession(chat.url) as session:
        return int((await (await session.get("/health/websocket")).json())["connections"])


@asynccontextmanager
async def developing(command: Sequence[str], port: int) -> AsyncIterator[None]:
    """Run Python as `make run` does, but on a port of its own."""
    environment = {"PORT": str(port), "ADMIN_PORT": str(free_port())}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, env=environment
    )
    try:
        async with asyncio.timeout(START_S):
            while not await answers(port):
                assert process.returncode is None
                await asyncio.sleep(0.1)
        yield
    finally:
        process.terminate()
        assert await process.wait() == 0


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@asynccontextmanager
async def frontend(server: int) -> AsyncIterator[tuple[Window, Window]]:
    """Serve the page, and open it as ann and as bo."""
    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/favicon.ico", nothing)])
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        places = {FRONTEND: runner.addresses[0][1], SERVER_PLACE: server}
        browser = await stack.enter_async_context(chromium(places))
        ann, bo = Window(await browser.new_page()), Window(await browser.new_page())
        await ann.open("ann")
        await bo.open("bo")
        yield ann, bo


async def page(_: web.Request) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html")


async def nothing(_: web.Request) -> web.Response:
    return web.Response(status=204)
