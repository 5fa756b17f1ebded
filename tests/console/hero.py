"""Takes the README's picture: two people chat while the master dies, and a third looks at it.

`python -m tests.console.hero`; the three windows are shown beside each other, as they were at the
same moment, a second after SIGKILL.
"""

import asyncio
import base64
from typing import Final

from playwright.async_api import Browser, expect

from tests.browsing import chromium
from tests.console.pictures import FOLDER, shrink
from tests.console.stage import RECOVERY_S, Stage, stage
from tests.console.windows import Window, window

FILE: Final = "console-failover.png"
SIZE: Final = (420, 700)
DEAD_S: Final = 1.2  # of about three, until there is a new master
FRAME: Final = """<!doctype html><meta charset="utf-8"><style>
  body { margin: 0; padding: 24px; display: flex; gap: 20px; width: max-content;
    background: linear-gradient(160deg, #0b6b63, #12302d); font: 600 14px Inter, sans-serif; }
  figure { margin: 0; border-radius: 12px; overflow: hidden; background: #dde3e9;
    box-shadow: 0 12px 32px rgb(0 0 0 / 35%%); }
  figcaption { padding: 9px 14px; color: #16202c; }
  img { display: block; width: %dpx; }
</style>%s"""


async def main() -> None:
    """Stage it, kill the master, and take the picture."""
    async with stage(on_redis=True) as staged, chromium() as browser:
        pictures = await moment(staged, browser)
        page = await browser.new_page(viewport={"width": 1400, "height": 820})
        await page.set_content(
            FRAME % (SIZE[0], "".join(map(framed, *zip(*pictures, strict=True))))
        )
        await page.locator("body").screenshot(path=FOLDER / FILE)
    shrink()


async def moment(staged: Stage, browser: Browser) -> list[tuple[str, bytes]]:
    """Return what three windows show a second after the master was killed, with their titles."""
    first, second = staged.servers
    assert staged.cluster is not None
    ann, eve = await enter(browser, first.port, "ann"), await enter(browser, second.port, "eve")
    operator = await enter(browser, second.port, "operator")
    await operator.show("cluster")
    await ann.say("Thanks! I will tell the others.")
    await expect(ann.messages().locator("visible=true").last).to_have_attribute(
        "data-state", "acked"
    )
    await eve.page.wait_for_timeout(2500)  # two reports of the nodes, so that there are rates
    await staged.cluster.kill(await staged.cluster.master())
    await expect(ann.state).to_contain_text("held", timeout=RECOVERY_S * 1000)
    await asyncio.gather(ann.say("Is anything wrong? Mine takes a second."), eve.say("Same here …"))
    await asyncio.sleep(DEAD_S)
    shots = await asyncio.gather(*(one.page.screenshot() for one in (ann, eve, operator)))
    return list(zip(("Ann, on one server", "Eve, on another", "The cluster"), shots, strict=True))


async def enter(browser: Browser, port: int, user: str) -> Window:
    """Open a window, be somebody, and go into the room."""
    viewport = {"width": SIZE[0], "height": SIZE[1]}
    one = await window(browser, port, color_scheme="light", viewport=viewport)
    await one.sign_in(user)
    await one.join()
    return one


def framed(title: str, shot: bytes) -> str:
    """Return a window's picture under its title."""
    data = base64.b64encode(shot).decode()
    return (
        f"<figure><figcaption>{title}</figcaption>"
        f'<img alt="" src="data:image/png;base64,{data}"></figure>'
    )


if __name__ == "__main__":
    asyncio.run(main())
