"""Who gets to see the console: off unless set, tokens by a click only in development."""

import pytest
from playwright.async_api import Browser, expect

from deploy.local.ports import free_port
from handlers.console import CONSOLE_CSP
from tests.chatting import Served, token
from tests.conftest import Serve
from tests.console.windows import Window, window

pytestmark = pytest.mark.browser

DENIED = """for (const name of ['localStorage', 'sessionStorage']) {
    const get = () => { throw new DOMException('denied', 'SecurityError'); };
    Object.defineProperty(globalThis, name, {get});
}"""


@pytest.fixture
async def production(serve: Serve, browser: Browser) -> Window:
    """Open the console of a server that is not for development, at its own origin."""
    port = free_port()
    origin = f"http://localhost:{port}"
    served = await serve(CONSOLE="true", PORT=port, CORS_ALLOWED_ORIGINS=origin)
    return await window(browser, served.port)


async def test_console_is_off_unless_set(serve: Serve) -> None:
    """Without CONSOLE there is no console; with it, no token by a click; the client is there."""
    off, on = await serve(), await serve(CONSOLE="true")
    assert (await off.session.get(f"{off.url}/console")).status == 404
    assert (await off.session.get(f"{off.url}/console/static/main.js")).status == 404
    assert (await on.session.get(f"{on.url}/console")).status == 200
    assert (await on.session.post(f"{on.url}/dev/token", json={"user": "a"})).status == 404
    client = await off.session.get(f"{off.url}/client.js")
    assert (client.status, client.content_type) == (200, "text/javascript")


async def test_click_is_for_our_own_pages(served: Served) -> None:
    """A page of another origin gets no token, even of a development server."""
    foreign = {"Origin": "http://evil.example"}
    url = f"{served.url}/dev/token"
    refused = await served.session.post(url, json={"user": "ann"}, headers=foreign)
    assert refused.status == 403
    assert (await served.session.post(url, data="user=ann")).status == 415


async def test_page_allows_nothing_foreign(served: Served) -> None:
    """The page's policy forbids inline script and style and every other origin."""
    response = await served.session.get(f"{served.url}/console")
    assert response.headers["Content-Security-Policy"] == CONSOLE_CSP
    page = await response.text()
    assert "unsafe" not in CONSOLE_CSP
    assert [word for word in ("<style", "style=", "onclick", "://") if word in page] == []


async def test_a_violation_of_the_policy_is_a_complaint(production: Window) -> None:
    """An inline script does not run, and is among what fails a test of a page."""
    await production.page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'document.title = "owned"';
        document.body.append(script);
    }""")
    await expect(production.page).to_have_title("Holdfast console")
    (complaint,) = production.complaints
    assert "Content Security Policy" in complaint


async def test_two_clicks_are_one_sign_in(browser: Browser, served: Served) -> None:
    """Who clicks again before the first click is answered is one connection, and joins once."""
    ann = await window(browser, served.port)
    await ann.page.locator("[data-user=ann]").evaluate(
        "button => { button.click(); button.click(); }"
    )
    await expect(ann.state).to_have_text("online")
    await ann.join()
    await expect(ann.room()).to_have_count(1)
    assert len(served.node.peers) == 1
    assert ann.complaints == []


async def test_who_blocks_cookies_is_let_in(browser: Browser, served: Served) -> None:
    """Where the browser denies a page its storages, signing in, rooms and colours work without."""
    page = await browser.new_page()
    await page.add_init_script(DENIED)
    ann = Window(page, f"http://localhost:{served.port}/console")
    await ann.visit()
    await ann.sign_in("ann")
    await ann.join()
    for theme in ("light", "dark", "auto"):
        await page.click("#theme")
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator("#sign-in")).to_be_visible()
    assert ann.complaints == []


async def test_production_offers_no_click(production: Window) -> None:
    """In production there is no sign-in by a click, and before one nothing is shown."""
    await expect(production.page.locator("#people")).to_have_count(0)
    await expect(production.page.locator("#views")).to_be_hidden()
    await expect(production.page.get_by_role("heading", level=2)).to_have_text(["Sign in"])


async def test_production_takes_administrators_alone(production: Window) -> None:
    """In production a token without chat.admin opens no view; one with it opens them all."""
    await production.paste(token("ann"))
    await expect(production.page.locator("#sign-in-error")).to_contain_text("forbidden")
    await expect(production.page.locator("#views")).to_be_hidden()
    await production.paste(token("ann", scope="chat.admin"))
    await expect(production.state).to_have_text("online")
    await production.show("cluster")
    await expect(production.page.locator("#figures")).to_contain_text("memory")


async def test_token_leaves_no_trace(production: Window) -> None:
    """A token is neither in the page after signing in, nor among the frames, nor stored."""
    secret = token("ann", scope="chat.admin")
    await production.paste(secret)
    await expect(production.state).to_have_text("online")
    await production.show("frames")
    await expect(production.page.locator("#frame-list")).to_contain_text("auth")
    await production.page.locator("#frame-list summary", has_text="auth").first.click()
    await expect(production.page.locator("#frame-list pre")).to_contain_text("***")
    stored = (
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    )
    assert secret not in await production.page.content()
    assert secret not in await production.page.evaluate(stored)
    assert await production.page.locator("#token").input_value() == ""
