"""The protocol page's own client, pasted into a page of a frontend, works against the server."""

import json
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from playwright.async_api import Browser, ConsoleMessage, Page

from chat.limits import Limits
from tests.browsing import chromium
from tests.chatting import Served, token
from tests.conftest import Serve

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
FRONTENDS = (3000, 3001)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def frontend() -> AsyncIterator[str]:
    """An empty page on one of the origins that are let in by default."""
    app = web.Application()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>frontend</title>", content_type="text/html")

    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    port = await _first_free(runner)
    yield f"http://localhost:{port}/"
    await runner.cleanup()


async def _first_free(runner: web.AppRunner) -> int:
    for port in FRONTENDS:
        try:
            await web.TCPSite(runner, "localhost", port).start()
        except OSError:
            continue
        return port
    pytest.fail("neither port 3000 nor 3001 of this machine is free")


def snippet(served: Served, user: str) -> str:
    """Return the client as the page has it, with a token and this server's address."""
    code = str(re.findall(r"```js\n(const token.*?)```", PAGE.read_text(), re.DOTALL)[0])
    code = code.replace("'eyJ...'", f"'{token(user)}'")
    return code.replace("ws://localhost:8080", f"ws://127.0.0.1:{served.port}")


def _keep(log: list[str], message: ConsoleMessage) -> None:
    log.append(message.text)


async def paste(page: Page, code: str) -> None:
    """Run the code as a console would, then connect: its names are the page's."""
    await page.add_script_tag(content=code)


def test_the_page_says_which_limits_are_told() -> None:
    """What is said to be in `welcome.limits` is what is there, and so is the example of it."""
    page = PAGE.read_text()
    told = page.partition("In `welcome.limits`: ")[2].partition("\n")[0]
    assert {*re.findall(r"`(\w+)", told)} - {"cid"} == {*Limits.__struct_fields__}
    (example,) = re.findall(r'^\{"type":"welcome".*$', page, re.MULTILINE)
    assert json.loads(example)["limits"] == json.loads(msgspec.json.encode(Limits()))


@pytest.mark.browser
async def test_ten_line_client(serve: Serve, browser: Browser, frontend: str) -> None:
    """Two pages with the ten-line client talk; one is cut off, resumes, and has every message.

    A history that was lost meanwhile is told to it: it shows the room anew.
    """
    served = await serve()
    pages = [await browser.new_page() for _ in range(2)]
    logs: list[list[str]] = [[], []]
    for page, log, user in zip(pages, logs, ("ann", "bo"), strict=True):
        page.on("console", partial(_keep, log))
        await page.goto(frontend)
        await paste(page, snippet(served, user))
    await _until(pages[1], logs[1], "welcome")
    publish = "text => send({type: 'publish', room: 'general', text})"
    await pages[0].evaluate(publish, "one")
    await _until(pages[1], logs[1], "message ann one")
    await pages[1].evaluate("ws.close()")
    await _until(pages[1], logs[1], "closed")
    await pages[0].evaluate(publish, "two")
    await pages[0].evaluate(publish, "three")
    await pages[1].evaluate("connect()")
    await _until(pages[1], logs[1], "message ann three")
    assert _said(logs[1]) == ["one", "two", "three"]
    logs[1].clear()
    await pages[1].evaluate("epoch = 'lost'; ws.close()")  # as if its history were no more
    await _until(pages[1], logs[1], "closed")
    await pages[1].evaluate("connect()")
    await _until(pages[1], logs[1], "message ann three")
    assert _said(logs[1]) == ["one", "two", "three"]


def _said(log: list[str]) -> list[str]:
    return [line.split()[-1] for line in log if line.startswith("message")]


async def _until(page: Page, log: list[str], text: str) -> None:
    for _ in range(200):
        if any(text in line for line in log):
            return
        await page.wait_for_timeout(25)
    pytest.fail(f"{text!r} not seen in {log}")
