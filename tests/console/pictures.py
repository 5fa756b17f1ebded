"""Takes the pictures of docs/images: `python -m tests.console.pictures [--cluster]`.

With `--cluster` the chat runs on a real master, two replicas and three sentinels, which fail over
before the pictures of the cluster. `pngquant`, where it is installed, makes them small.
"""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal

from playwright.async_api import Browser, expect

from deploy.local.cluster import Cluster
from tests.browsing import chromium, free_port
from tests.chatting import Client, Served, serving
from tests.console.windows import Window, window

FOLDER: Final = Path(__file__).resolve().parent.parent.parent / "docs" / "images"
SCHEMES: Final[list[Literal["light", "dark"]]] = ["light", "dark"]
WIDE: Final = (1280, 800)
NARROW: Final = (390, 844)
VIEWS: Final = ("chat", "frames", "cluster", "connections")
RECOVERY_S: Final = 20.0
MEASURE_S: Final = 12.0  # for a plot that has something in it
TALK: Final = [
    ("bo", "general", "Deploying 2.4 to the second node now."),
    ("cy", "general", "Go ahead, I am watching the graphs."),
    ("bo", "general", "Done. Its clients moved over to the others, nobody complained."),
    ("bo", "ops", "Who is on call this week?"),
    ("cy", "ops", "I am. It has been quiet so far."),
    ("cy", "random", "Lunch at half past twelve?"),
]
ANSWERS: Final = {
    "general": "Thanks! I will tell the others.",
    "ops": "Good. I will take over on Monday.",
    "random": "See you there.",
}


async def main(*, on_redis: bool) -> None:
    """Take every picture: each view, two widths, light and dark."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with (
        stage(on_redis=on_redis) as (served, cluster),
        served.client() as bo,
        served.client() as cy,
        chromium() as browser,
    ):
        readers = [asyncio.create_task(reader) for reader in await talk({"bo": bo, "cy": cy})]
        try:
            for scheme in SCHEMES:
                for size in (WIDE, NARROW):
                    await take(browser, served, cluster, bo, scheme, size)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
    shrink()


async def talk(people: dict[str, Client]) -> list[Coroutine[Any, Any, object]]:
    """Let two people say what they have to say; return what keeps their connections alive."""
    for user, client in people.items():
        await client.sign_in(user, client="holdfast-client/0.1.0")
        for room in ANSWERS:
            await client.join(room, presence=True)
    for user, room, text in TALK:
        await people[user].publish(text, room)
    return [listen(client) for client in people.values()]


async def listen(client: Client) -> None:
    """Read what comes: who does not is taken for gone."""
    async for _ in client.socket:
        pass


@asynccontextmanager
async def stage(*, on_redis: bool) -> AsyncIterator[tuple[Served, Cluster | None]]:
    """Run the server, alone or on a cluster."""
    port = free_port()
    if not on_redis:
        async with serving(dev=True, PORT=port) as served:
            yield served, None
        return
    async with (
        Cluster() as cluster,
        serving(dev=True, PORT=port, REDIS_URL=cluster.url()) as served,
    ):
        await up(served)
        yield served, cluster


async def up(served: Served) -> None:
    """Wait until the storage is there."""
    async with asyncio.timeout(RECOVERY_S):
        while not served.node.engine.storage.up:
            await asyncio.sleep(0.1)


async def take(
    browser: Browser,
    served: Served,
    cluster: Cluster | None,
    bo: Client,
    scheme: Literal["light", "dark"],
    size: tuple[int, int],
) -> None:
    """Take the pictures of one colour scheme and width."""
    width, height = size
    viewport = {"width": width, "height": height}
    ann = await window(browser, served, color_scheme=scheme, viewport=viewport)
    await picture(ann, "sign-in", scheme, size)
    await ann.sign_in("ann")
    for room, text in ANSWERS.items():
        await ann.join(room)
        if await ann.messages(room).locator("b", has_text="Ann").count() == 0:
            await ann.say(text, room)
        await expect(ann.room(room).locator(".own[data-state=acked]")).to_have_count(1)
    await ann.room("general").scroll_into_view_if_needed()
    await bo.send({"type": "typing", "room": "general", "on": True})
    await expect(ann.room("general").locator(".typing")).not_to_be_empty()
    for view in VIEWS:
        await ann.show(view)
        if view == "cluster" and cluster is not None:
            await cluster.failover()
            await expect(ann.state).to_contain_text("held", timeout=RECOVERY_S * 1000)
            await expect(ann.state).to_have_text("online", timeout=RECOVERY_S * 1000)
            await cluster.wait_until_healthy()
        if view == "frames":
            await ann.page.wait_for_timeout(MEASURE_S * 1000)
        await picture(ann, view, scheme, size)
    await ann.page.context.close()


async def picture(window: Window, view: str, scheme: str, size: tuple[int, int]) -> None:
    """Save what the window shows."""
    await window.page.wait_for_timeout(500)  # a poll of the cluster, a frame of the plot
    path = FOLDER / f"console-{view}-{size[0]}-{scheme}.png"
    await window.page.screenshot(path=path, full_page=size == NARROW and view != "chat")


def shrink() -> None:
    """Reduce the pictures to 256 colours."""
    program = shutil.which("pngquant")
    if program is not None:
        pictures = sorted(map(str, FOLDER.glob("console-*.png")))
        subprocess.run([program, "--force", "--ext", ".png", "--strip", *pictures], check=True)


if __name__ == "__main__":
    asyncio.run(main(on_redis="--cluster" in sys.argv))
