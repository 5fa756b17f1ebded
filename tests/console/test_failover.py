"""The console through a real failover of Redis: two people go on talking, nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest
from playwright.async_api import Browser, expect

from deploy.local.cluster import Cluster
from tests.chatting import Served
from tests.conftest import Serve
from tests.console.windows import Window, window

pytestmark = pytest.mark.browser

RECOVERY_MS: Final = 20_000  # 2.8 s on a quiet machine; this is for a busy one
BETWEEN_S: Final = 0.1
AFTERWARDS: Final = 5  # messages written once all is well again
READY_S: Final = 15.0


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """Run a master, two replicas and three sentinels."""
    async with Cluster(failover=True) as cluster:
        yield cluster


@pytest.fixture
async def served(serve: Serve, cluster: Cluster) -> Served:
    """Run the chat on them, and wait until it has a master."""
    served = await serve(dev=True, REDIS_URL=cluster.url())
    async with asyncio.timeout(READY_S):
        while not served.node.engine.storage.up:
            await asyncio.sleep(BETWEEN_S)
    return served


async def test_nobody_notices_a_failover(
    browser: Browser, served: Served, cluster: Cluster
) -> None:
    """The master is killed while two talk: both stay connected, and show every message once."""
    ann, bo = await talking(browser, served, "ann"), await talking(browser, served, "bo")
    sockets = set(served.node.peers)
    writing = asyncio.create_task(write_until_recovered(ann))
    await expect(bo.messages().nth(2)).to_be_visible()
    await cluster.kill(await cluster.master())
    await expect(ann.state).to_contain_text("messages are held", timeout=RECOVERY_MS)
    await expect(ann.page.locator('.message[data-state="held"]').first).to_be_visible()
    written = await writing
    await expect(bo.messages()).to_have_count(len(written), timeout=RECOVERY_MS)
    await expect(ann.page.locator('.message[data-state="acked"]')).to_have_count(len(written))
    assert await ann.texts() == await bo.texts() == written
    assert set(served.node.peers) == sockets
    await bo.show("cluster")
    await expect(bo.page.locator("#failovers time")).to_have_count(1)
    await expect(bo.page.locator("#failovers")).to_contain_text(" → ")
    await expect(bo.page.locator("#failovers")).not_to_contain_text("counting")
    await draws_what_is_left(bo, str(served.node.engine.node))
    assert (ann.complaints, bo.complaints) == ([], [])


async def test_a_failover_is_ordered_and_watched(
    browser: Browser, served: Served, cluster: Cluster
) -> None:
    """The button of a development server makes a replica master, and the page shows which."""
    ann = await talking(browser, served, "ann")
    old = await cluster.master()
    await ann.show("cluster")
    master = ann.page.locator("#topology .master b")
    await expect(master).to_have_text(f"127.0.0.1:{old.announced}")
    await ann.page.get_by_role("button", name="Ask for a failover").click()
    await ann.page.get_by_role("dialog").get_by_role("button", name="Fail over").click()
    row = ann.page.locator("#failovers li", has_text=f"127.0.0.1:{old.announced} → ")
    await expect(row).to_have_count(1, timeout=RECOVERY_MS)
    new = (await row.locator("span").inner_text()).rpartition(" ")[2]
    await expect(master).to_have_text(new)
    await expect(ann.state).to_have_text("online")
    assert ann.complaints == []


async def draws_what_is_left(window: Window, node: str) -> None:
    """The drawing is of the real cluster: the dead master is down, the others are in sync."""
    topology = window.page.locator("#topology")
    await expect(topology.locator(".replica .tag")).to_have_count(2)
    await expect(topology.locator(".replica", has_text="called down")).to_have_count(1)
    following = topology.locator(".replica", has_text="in sync")
    await expect(following).to_contain_text("behind", timeout=RECOVERY_MS)
    await expect(topology.locator(".sentinel .tag")).to_have_text(["watching"] * 3)
    await expect(topology.locator(".node", has_text=node)).to_contain_text("2 connections")
    await expect(topology.locator(".node", has_text=node)).to_contain_text("published/s")
    await expect(window.page.locator("#figures")).to_contain_text("Sentinels3 of 3, quorum 2")


async def talking(browser: Browser, served: Served, user: str) -> Window:
    """Open a window that is in general."""
    one = await window(browser, served.port)
    await one.sign_in(user)
    await one.join()
    return one


async def write_until_recovered(window: Window) -> list[str]:
    """Write numbers until storage was away and is back, and a few more; return them."""
    written: list[str] = []
    afterwards = 0
    was_away = False
    async with asyncio.timeout(2 * RECOVERY_MS / 1000):
        while afterwards < AFTERWARDS:
            written.append(str(len(written)))
            await window.say(written[-1])
            is_away = await window.state.get_attribute("data-state") == "degraded"
            was_away = was_away or is_away
            afterwards += was_away and not is_away
            await asyncio.sleep(BETWEEN_S)
    return written
