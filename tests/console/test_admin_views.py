"""The views for administrators: the cluster as it is described, connections to be ended."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Route, expect

from tests.chatting import Served, token
from tests.conftest import Connect
from tests.console.windows import Open, Window, window

pytestmark = pytest.mark.browser

TOPOLOGY: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "topology.json").read_text(encoding="utf-8")
)
# A focus that was lost and given back would be read out anew.
BLURS: Final = """() => {
    globalThis.blurs = 0;
    document.activeElement.addEventListener('blur', () => { blurs += 1; });
}"""


async def describe(window: Window, cluster: dict[str, Any]) -> None:
    """Let the page be told of this cluster, and show it."""

    async def answer(route: Route) -> None:
        await route.fulfill(json=cluster)

    await window.page.route("**/v1/admin/cluster", answer)
    await window.show("cluster")


async def test_memory_is_all_there_is(enter: Open) -> None:
    """Without Redis the view shows this process, its rooms, and a storage that is up."""
    ann = await enter("ann")
    await ann.say("one")
    await ann.show("cluster")
    await expect(ann.page.locator("#topology .master")).to_contain_text("1 room")
    await expect(ann.page.locator("#topology .node")).to_contain_text("1 connection")
    machine = ann.page.get_by_role("img", name="The storage is up, of the states")
    await expect(machine).to_be_visible()
    await expect(ann.page.locator("#failovers")).to_have_text("None so far.")
    await expect(ann.page.locator("#failover")).to_be_hidden()


async def test_topology_is_drawn(enter: Open) -> None:
    """Each process is there with what is known of it, and a line leads to the master."""
    ann = await enter("ann")
    await describe(ann, TOPOLOGY)
    topology = ann.page.locator("#topology")
    await expect(topology.locator(".master")).to_contain_text("10.0.0.1:6379")
    await expect(topology.locator(".replica .tag")).to_have_text(["in sync", "catching up"])
    await expect(topology.locator(".replica").nth(1)).to_contain_text("lag 1.2 s5.2 KiB behind")
    await expect(topology.locator(".sentinel .tag")).to_have_text(
        ["watching", "watching", "names another", "not reached"]
    )
    await expect(topology.locator(".lines path")).to_have_count(4)
    await expect(ann.page.locator("#check-table th")).to_have_text(
        ["appendonly", "replica-priority"]
    )
    await expect(ann.page.locator("#check-table .tag")).to_have_text(["fine", "wanted: all equal"])
    figures = ann.page.locator("#figures")
    await expect(figures).to_contain_text("Replicas in sync1 of 2")
    await expect(figures).to_contain_text("Sentinels2 of 3, quorum 2")
    await expect(figures).to_contain_text("Held publishes12 for 830 ms")
    failovers = ann.page.locator("#failovers li")
    await expect(failovers).to_have_count(2)
    await expect(failovers.nth(0)).to_contain_text("and counting")
    await expect(failovers.nth(1)).to_contain_text("1.8 s")
    await expect(failovers.nth(1)).to_contain_text("10.0.0.3:6379 → 10.0.0.1:6379")


async def test_markup_in_the_topology_stays_text(enter: Open) -> None:
    """An address or a reason that is markup is shown as text."""
    evil = "<img src=x onerror=alert(1)>"
    ann = await enter("ann")
    storage = {**TOPOLOGY["storage"], "reason": evil}
    await describe(ann, {**TOPOLOGY, "storage": storage, "nodes": {evil: {}}})
    await expect(ann.page.locator("#reason")).to_have_text(evil)
    await expect(ann.page.locator("#topology .node b")).to_have_text(evil)


async def test_failover_is_asked_for_once_confirmed(enter: Open) -> None:
    """The button asks for a failover only after a yes; the other answer asks for nothing."""
    ann = await enter("ann")
    asked: list[str] = []

    async def answer(route: Route) -> None:
        asked.append(route.request.method)
        await route.fulfill(status=202, json={})

    await ann.page.route("**/v1/admin/failover", answer)
    await describe(ann, TOPOLOGY)
    ask = ann.page.get_by_role("button", name="Ask for a failover")
    dialog = ann.page.get_by_role("dialog")
    await ask.click()
    await expect(dialog).to_have_accessible_description(re.compile("^A replica becomes master"))
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    await ann.page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await expect(ask).to_be_focused()
    await ask.click()
    assert asked == []
    async with ann.page.expect_response("**/v1/admin/failover"):
        await dialog.get_by_role("button", name="Fail over").click()
    assert asked == ["POST"]


async def test_connections_are_found_and_ended(enter: Open) -> None:
    """A connection is found by a word, this page's is marked, and another is disconnected."""
    ann, bo = await enter("ann"), await enter("bo", "ops")
    await ann.show("connections")
    listed = ann.page.locator("#connection-table tbody tr")
    await expect(listed).to_have_count(2)
    await expect(listed.filter(has_text="this page")).to_contain_text("ann")
    await ann.page.fill("#who", "OPS")
    await expect(listed).to_have_count(1)
    await expect(ann.page.locator("#count")).to_have_text("1 of 2 connections")
    await listed.get_by_role("button", name="of bo").first.click()
    await ann.page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    await expect(bo.state).to_have_text("disconnected: kicked")
    await expect(listed).to_have_count(0)


async def test_focus_stays_when_an_older_connection_leaves(
    enter: Open, served: Served, connect: Connect
) -> None:
    """A button in the list keeps the focus while the lines above it go, one after the other."""
    olds = [await connect(user, to=served) for user in ("bo", "cy")]
    ann = await enter("ann")
    await ann.show("connections")
    count = ann.page.locator("#count")
    await expect(count).to_have_text("3 of 3 connections")
    row = ann.page.locator("#connection-table tr", has_text="this page")
    button = row.get_by_role("button", name="All of user ann")
    await button.focus()
    await ann.page.evaluate(BLURS)
    for left, old in zip(("2 of 2 connections", "1 of 1 connection"), olds, strict=True):
        await old.socket.close()
        await expect(count).to_have_text(left)
        await expect(button).to_be_focused()
    assert await ann.page.evaluate("blurs") == 0


@pytest.mark.parametrize(
    ("view", "order", "yes"),
    [("cluster", "Ask for a failover", "Fail over"), ("connections", "of ann", "Disconnect")],
)
async def test_refused_order_is_said(enter: Open, view: str, order: str, yes: str) -> None:
    """Why an order was refused stays in sight when the view is drawn anew."""
    ann = await enter("ann")

    async def refuse(route: Route) -> None:
        if route.request.method == "GET":
            await route.fallback()
        else:
            await route.fulfill(status=503, json={"code": "unavailable", "detail": "not now"})

    await describe(ann, TOPOLOGY)
    await ann.page.route("**/v1/admin/**", refuse)
    await ann.show(view)
    await ann.page.get_by_role("button", name=order).first.click()
    await ann.page.get_by_role("dialog").get_by_role("button", name=yes).click()
    wrong = ann.page.locator(f"#{view}-error")
    await expect(wrong).to_have_text("unavailable: not now")
    for _ in range(2):  # when the second comes, what the first brought is shown
        async with ann.page.expect_response("**/v1/admin/*"):
            pass
    await expect(wrong).to_have_text("unavailable: not now")
    ann.complaints.clear()  # the browser itself reports the refusal


async def test_views_for_administrators_say_so(browser: Browser, served: Served) -> None:
    """In development others may chat; the administrator's views tell them what is missing."""
    ann = await window(browser, served.port)
    await ann.paste(token("ann"))
    await expect(ann.state).to_have_text("online")
    for view in ("cluster", "connections"):
        await ann.show(view)
        await expect(ann.page.locator(f"#{view}-error")).to_contain_text("scope chat.admin")
