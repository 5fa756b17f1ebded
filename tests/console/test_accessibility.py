"""The console for everyone: by the rules of WCAG 2.2 AA, by the keyboard alone, on a phone."""

from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.async_api import Browser, Page, expect

from server.environment import Secret
from server.tokens import mint
from tests.chatting import SECRET, Served
from tests.conftest import Connect
from tests.console.test_admin_views import TOPOLOGY, describe
from tests.console.windows import Window, window

pytestmark = pytest.mark.browser

AXE: Final = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIEWS: Final = ["chat", "frames", "cluster", "connections"]
SCHEMES: Final[list[Literal["light", "dark"]]] = ["light", "dark"]
SIZES: Final = [(1280, 800), (390, 844)]
RUN: Final = """rules => axe.run(document, {runOnly: rules}).then(({violations, passes}) => [
    passes.length,
    violations.map(({id, nodes}) => [id, nodes.map((node) => [node.html, node.failureSummary])]),
])"""
HARM: Final = """() => {
    const field = document.querySelector('#join input');
    field.closest('label').replaceWith(field);
    field.removeAttribute('placeholder');
    document.querySelector('.message .body').setAttribute('class', 'faint');
    const faint = new CSSStyleSheet();
    faint.replaceSync('.faint { color: light-dark(#ccc, #333); }');
    document.adoptedStyleSheets.push(faint);
}"""
TOUCHED: Final = """() => {
    globalThis.touched = [];
    const note = (records) => touched.push(...records.map(({target}) => target.textContent));
    for (const region of document.querySelectorAll('.typing, #count')) {
        new MutationObserver(note).observe(region, {childList: true});
    }
}"""
# WCAG 2.2 SC 1.4.10: no scrolling sideways at a width of 320 CSS pixels.
NARROW: Final = 320

needs_axe = pytest.mark.skipif(
    not AXE.exists(), reason="axe-core is not installed: npm install in tests/console"
)


async def violations(page: Page) -> list[Any]:
    """Return what axe-core finds: the rule, and where; contrast is among the rules."""
    # By the protocol, not as a script of the page: its policy would forbid that, and rightly.
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate(RUN, RULES)
    assert found[0] > 0
    return list(found[1])


async def busy(browser: Browser, served: Served, **context: Any) -> Window:
    """Open a window that has something to show in each view."""
    ann = await window(browser, served.port, **context)
    assert await violations(ann.page) == []
    await ann.sign_in("ann")
    await ann.join()
    await ann.say("hello")
    await expect(ann.messages()).to_have_attribute("data-state", "acked")
    assert await violations(ann.page) == []  # here: what is scrolled away has no contrast to judge
    await ann.say("x" * 4001)
    await expect(ann.messages().nth(1)).to_have_attribute("data-state", "refused")
    return ann


@needs_axe
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_no_rule_is_broken(
    browser: Browser, served: Served, scheme: Literal["light", "dark"], width: int, height: int
) -> None:
    """In each view, in both colour schemes, wide and narrow, axe-core finds no violation."""
    size = {"width": width, "height": height}
    ann = await busy(browser, served, color_scheme=scheme, viewport=size, reduced_motion="reduce")
    found = {}
    for view in VIEWS:
        await ann.show(view)
        if view == "cluster":
            await describe(ann, TOPOLOGY)
            await expect(ann.page.locator("#topology .sentinel")).to_have_count(3)
        if view == "frames":
            await ann.page.locator("#frame-list summary").first.click()
            await ann.page.locator("#frame-type").press("ArrowDown")
        found[view] = await violations(ann.page)
        if view == "cluster":
            await ann.page.get_by_role("button", name="Ask for a failover").click()
            found["dialog"] = await violations(ann.page)
            await ann.page.keyboard.press("Escape")
    assert found.pop("dialog") == []
    assert found == {view: [] for view in VIEWS}
    assert ann.complaints == []


@needs_axe
async def test_a_broken_rule_is_found(browser: Browser, served: Served) -> None:
    """A field without a name and text that can't be read are found: the test above can fail."""
    ann = await window(browser, served.port)
    await ann.sign_in("ann")
    await ann.join()
    await ann.say("hello")
    await expect(ann.messages()).to_have_attribute("data-state", "acked")
    await ann.page.evaluate(HARM)
    assert {rule for rule, _ in await violations(ann.page)} == {"label", "color-contrast"}


async def test_keyboard_alone_will_do(browser: Browser, served: Served) -> None:
    """Signing in, joining, talking and going to another view need no mouse."""
    ann = await window(browser, served.port)
    keyboard = ann.page.keyboard
    await focus(ann.page, "#people [data-user=ann]")
    await keyboard.press("Enter")
    await expect(ann.state).to_have_text("online")
    await focus(ann.page, "#join input")
    await keyboard.press("Enter")
    await expect(ann.room().locator("textarea")).to_be_focused()
    await keyboard.type("typed")
    await keyboard.press("Enter")
    await expect(ann.messages().locator(".body")).to_have_text("typed")
    await focus(ann.page, '#views [href="#frames"]')
    await keyboard.press("Enter")
    await expect(ann.page.locator("#frames")).to_be_visible()
    await expect(ann.page.locator('#views [aria-current="page"]')).to_have_text("Frames")


async def focus(page: Page, selector: str) -> None:
    """Press Tab until that element has the focus; it must be reached within one round."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
    pytest.fail(f"{selector} is not reached by Tab")


async def test_what_is_the_same_is_not_read_out_again(
    browser: Browser, served: Served, connect: Connect
) -> None:
    """Whatever is said of typing and of connections is touched only when it is another."""
    ann = await window(browser, served.port)
    bos = [await connect("bo", to=served) for _ in range(2)]
    await ann.sign_in("ann")
    await ann.join()
    await ann.show("connections")
    await expect(ann.page.locator("#count")).to_have_text("3 of 3 connections")
    await ann.page.evaluate(TOUCHED)
    for bo in bos:
        await bo.join()
        await bo.ask({"type": "typing", "room": "general", "on": True})
    await bos[0].publish("done")
    await expect(ann.messages()).to_have_count(1)
    for _ in range(2):  # when the second comes, what the first brought is shown
        async with ann.page.expect_response("**/v1/admin/connections"):
            pass
    assert await ann.page.evaluate("touched") == ["bo is typing", ""]


async def test_long_names_are_read_on_a_narrow_page(
    browser: Browser, served: Served, connect: Connect
) -> None:
    """At 320 pixels, the list of who is in a room fits, and shows each name whole."""
    bo = await connect(None, to=served)
    named = mint(Secret(SECRET), "bo", {"*": "rw"}, audience="chat", name="W" * 64)
    await bo.ask({"type": "auth", "token": named})
    await bo.join()
    ann = await window(browser, served.port, viewport={"width": NARROW, "height": 640})
    await ann.sign_in("ann")
    await ann.join()
    await ann.room().locator(".people summary").click()
    for name in await ann.room().locator(".people li").all():
        box = await name.bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= NARROW
        assert await name.evaluate("element => element.scrollWidth <= element.clientWidth")


async def test_narrow_page_does_not_scroll_sideways(browser: Browser, served: Served) -> None:
    """At 320 pixels, every view fits the width."""
    ann = await window(browser, served.port, viewport={"width": NARROW, "height": 640})
    await ann.sign_in("ann")
    await ann.join()
    await ann.join("a-room-with-a-name-that-is-as-long-as-a-name-may-ever-get-here-x")
    for view in VIEWS:
        await ann.show(view)
        width = await ann.page.evaluate("document.documentElement.scrollWidth")
        assert width <= NARROW, view
