"""The console in a real browser: two windows chat, one is cut off and has no gap."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browsing import chromium, complaints_of, free_port
from tests.chatting import Served
from tests.conftest import Serve

pytestmark = pytest.mark.browser

XSS = [
    "<img src=x onerror=document.title='owned'>",
    "<script>document.title='owned'</script>",
    "javascript:document.title='owned'",
    '"><svg onload=document.title="owned">',
]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def served(serve: Serve) -> Served:
    return await serve(dev=True, PORT=free_port())


async def window(browser: Browser, served: Served, user: str) -> tuple[Page, list[str]]:
    """Open a window that has signed in and joined general; and its list of complaints."""
    page = await (await browser.new_context()).new_page()
    complaints = complaints_of(page)
    await page.goto(f"http://localhost:{served.port}/console")
    await page.fill("#as-user input", user)
    await page.click("#as-user button")
    await expect(page.locator("#state")).to_have_text("online")
    await page.click("#join button")
    await expect(page.locator(".room h2")).to_have_text("general")
    return page, complaints


async def say(page: Page, text: str) -> None:
    await page.fill(".say input", text)
    await page.press(".say input", "Enter")


async def test_two_windows_chat(browser: Browser, served: Served) -> None:
    """Two windows see each other, type, talk and see the frames, without a complaint."""
    ann, ann_complaints = await window(browser, served, "ann")
    bo, bo_complaints = await window(browser, served, "bo")
    await expect(ann.locator(".people")).to_have_text("2 here: Ann, Bo")
    await ann.fill(".say input", "hel")
    await expect(bo.locator(".typing")).to_have_text("ann typing …")
    await say(ann, "hello")
    await expect(bo.locator(".messages li")).to_have_text(["Ann hello"])
    await expect(ann.locator(".messages li")).to_have_attribute("data-state", "acked")
    await expect(ann.locator("#frame-list")).to_contain_text('"type":"ack"')
    await expect(ann.locator("#frame-list")).not_to_contain_text("eyJ")
    assert (ann_complaints, bo_complaints) == ([], [])


async def test_cut_off_window_has_no_gap(browser: Browser, served: Served) -> None:
    """A window whose connection dies shows everything said meanwhile, in order, once."""
    ann, _ = await window(browser, served, "ann")
    bo, complaints = await window(browser, served, "bo")
    await say(ann, "0")
    await expect(bo.locator(".messages li")).to_have_count(1)
    (peer,) = [peer for peer in served.node.peers.values() if peer.user == "bo"]
    peer.outbox.abort()
    for i in range(1, 6):
        await say(ann, str(i))
    await expect(bo.locator(".messages li")).to_have_text([f"Ann {i}" for i in range(6)])
    await expect(bo.locator("#state")).to_have_text("online")
    assert complaints == []


async def test_markup_stays_text(browser: Browser, served: Served) -> None:
    """What looks like markup or script is shown as it was written, and nothing runs."""
    ann, complaints = await window(browser, served, "ann")
    for payload in XSS:
        await say(ann, payload)
    await expect(ann.locator(".messages li")).to_have_text([f"Ann {text}" for text in XSS])
    assert await ann.title() == "Holdfast console"
    assert complaints == []


async def test_console_is_off_unless_set(serve: Serve) -> None:
    """Without CONSOLE there is no console; with it, no token by a click; the client is there."""
    off, on = await serve(), await serve(CONSOLE="true")
    assert (await off.session.get(f"{off.url}/console")).status == 404
    assert (await on.session.get(f"{on.url}/console")).status == 200
    assert (await on.session.post(f"{on.url}/console/token", json={"user": "a"})).status == 404
    client = await off.session.get(f"{off.url}/client.js")
    assert (client.status, client.content_type) == (200, "text/javascript")


async def test_click_is_for_our_own_pages(served: Served) -> None:
    """A page of another origin gets no token, even of a development server."""
    foreign = {"Origin": "http://evil.example"}
    url = f"{served.url}/console/token"
    refused = await served.session.post(url, json={"user": "ann"}, headers=foreign)
    assert refused.status == 403
    assert (await served.session.post(url, data="user=ann")).status == 415
