"""Takes the pictures of docs/images: `python -m tests.console.pictures [--cluster]`.

With `--cluster` the chat runs on a real master, two replicas and three sentinels, which fail over
before the pictures of the cluster. `pngquant`, where it is installed, makes them small.
"""

import asyncio
import json
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, expect

from tests.browsing import chromium
from tests.console.stage import RECOVERY_S, Stage, stage
from tests.console.windows import Window, window

FOLDER: Final = Path(__file__).resolve().parent.parent.parent / "docs" / "images"
SCHEMES: Final[list[Literal["light", "dark"]]] = ["light", "dark"]
WIDE: Final = (1280, 800)
NARROW: Final = (390, 844)
VIEWS: Final = ("chat", "frames", "cluster", "connections")
MEASURE_S: Final = 20.0  # for a plot that has something in it
SAMPLES: Final = 8
ANSWERS: Final = {
    "general": "Thanks! I will tell the others.",
    "ops": "Good. I will take over on Monday.",
    "random": "See you there.",
}


async def main(*, on_redis: bool) -> None:
    """Take every picture: each view, two widths, light and dark."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with stage(on_redis=on_redis) as staged, chromium() as browser:
        for scheme in SCHEMES:
            for size in (WIDE, NARROW):
                await take(browser, staged, scheme, size)
    shrink()


async def take(
    browser: Browser, staged: Stage, scheme: Literal["light", "dark"], size: tuple[int, int]
) -> None:
    """Take the pictures of one colour scheme and width."""
    width, height = size
    viewport = {"width": width, "height": height}
    cluster = staged.cluster
    ann = await window(browser, staged.servers[0].port, color_scheme=scheme, viewport=viewport)
    await picture(ann, "sign-in", scheme, size)
    await ann.sign_in("ann")
    for room, text in ANSWERS.items():
        await ann.join(room)
        if await ann.messages(room).locator("b", has_text="Ann").count() == 0:
            await ann.say(text, room)
        await expect(ann.room(room).locator(".own[data-state=acked]")).to_have_count(1)
    await ann.room("general").scroll_into_view_if_needed()
    await staged.bo.send({"type": "typing", "room": "general", "on": True})
    await expect(ann.room("general").locator(".typing")).not_to_be_empty()
    for view in VIEWS:
        await ann.show(view)
        if view == "cluster" and cluster is not None:
            await cluster.failover()
            await expect(ann.state).to_contain_text("held", timeout=RECOVERY_S * 1000)
            await expect(ann.state).to_have_text("online", timeout=RECOVERY_S * 1000)
            await cluster.wait_until_healthy()
        if view == "frames":
            await measure(ann)
        await picture(ann, view, scheme, size)
    await ann.page.context.close()


async def measure(window: Window) -> None:
    """Send frames by hand, so that there is something to plot."""
    stem = secrets.token_hex(4)
    said = [
        {"type": "publish", "room": "lab", "cid": f"{stem}-{number}", "text": "how fast?"}
        for number in range(SAMPLES)
    ]
    for frame in [{"type": "join", "room": "lab"}, *said]:
        await window.page.fill("#frame-json", json.dumps(frame))
        await window.page.press("#frame-json", "Control+Enter")
        await expect(window.page.locator("#frame-answer")).to_contain_text(" after ")
        await window.page.wait_for_timeout(MEASURE_S / SAMPLES * 1000)


async def picture(window: Window, view: str, scheme: str, size: tuple[int, int]) -> None:
    """Save what the window shows."""
    await window.page.wait_for_timeout(500)  # a poll of the cluster, a frame of the plot
    await window.page.evaluate("scrollTo(0, 0)")
    path = FOLDER / f"console-{view}-{size[0]}-{scheme}.png"
    await window.page.screenshot(path=path, full_page=size == NARROW and view != "chat")


def shrink() -> None:
    """Reduce the pictures to 256 colours."""
    program = shutil.which("pngquant")
    if program is not None:
        pictures = sorted(map(str, FOLDER.glob("*.png")))
        subprocess.run([program, "--force", "--ext", ".png", "--strip", *pictures], check=True)


if __name__ == "__main__":
    asyncio.run(main(on_redis="--cluster" in sys.argv))
