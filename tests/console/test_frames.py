"""The frames: both directions, filter, pause, expand, copy, latency, and sending by hand."""

import json
from typing import Final

import pytest
from playwright.async_api import Locator, expect

from tests.chatting import Served, token
from tests.console.windows import Open, Window

pytestmark = pytest.mark.browser

HEIGHT: Final = "document.documentElement.scrollHeight"


def rows(window: Window) -> Locator:
    """Return the frames that are shown."""
    return window.page.locator("#frame-list > li:not([hidden])")


def answer(window: Window) -> Locator:
    """Return what became of the frame that was sent by hand."""
    return window.page.locator("#frame-answer")


async def compose(window: Window, frame: object) -> None:
    """Send a frame by hand, by the keyboard."""
    text = frame if isinstance(frame, str) else json.dumps(frame)
    await window.page.fill("#frame-json", text)
    await window.page.press("#frame-json", "Control+Enter")


async def test_both_directions_are_shown(enter: Open) -> None:
    """The first frames of a connection are there, each with its direction, the token blanked."""
    ann = await enter("ann")
    await ann.show("frames")
    for kind in ("hello", "auth", "welcome", "join", "joined"):
        await expect(rows(ann).locator("b").get_by_text(kind, exact=True)).to_have_count(1)
    sent = ann.page.locator("#frame-list > .out", has_text="auth")
    await expect(sent.locator(".way")).to_contain_text("sent")
    await expect(ann.page.locator("#frame-list")).not_to_contain_text("eyJ")


async def test_frames_scroll_in_their_list(enter: Open, served: Served) -> None:
    """However many frames there are, the page is no longer than with few."""
    ann = await enter("ann")
    await ann.show("frames")
    await expect(ann.page.locator("#latencies tbody tr")).to_have_count(3)  # it has its length
    height = await ann.page.evaluate(HEIGHT)
    headers = {"Authorization": f"Bearer {token('bo')}"}
    url = f"{served.url}/v1/rooms/general/messages"
    for number in range(100):
        said = {"text": str(number)}
        (await served.session.post(url, json=said, headers=headers)).raise_for_status()
    await expect(rows(ann).get_by_text("message", exact=True)).to_have_count(100)
    assert await ann.page.evaluate(HEIGHT) == height


async def test_filter_takes_words_and_their_absence(enter: Open) -> None:
    """A filter keeps the frames with all its words and without those after a minus."""
    ann = await enter("ann")
    await ann.say("needle")
    await expect(ann.messages()).to_have_attribute("data-state", "acked")
    await ann.show("frames")
    await ann.page.fill("#filter", "needle")
    await expect(rows(ann).locator("b")).to_have_text(["publish", "message"])
    await ann.page.fill("#filter", "needle -publish")
    await expect(rows(ann).locator("b")).to_have_text(["message"])
    await ann.page.fill("#filter", "needle")
    await ann.page.select_option("#direction", "out")
    await expect(rows(ann).locator("b")).to_have_text(["publish"])


async def test_pause_keeps_what_comes(enter: Open) -> None:
    """While paused nothing moves, what comes is counted, and it is all there afterwards."""
    ann = await enter("ann")
    await ann.show("frames")
    pause = ann.page.locator("#pause")
    await pause.click()
    shown = await rows(ann).count()
    await compose(ann, {"type": "publish", "room": "general", "text": "meanwhile"})
    await expect(answer(ann)).to_contain_text("ack after")
    await expect(pause).to_contain_text("Go on (")
    assert await rows(ann).count() == shown
    await pause.click()
    await expect(ann.page.locator("#frame-list")).to_contain_text("meanwhile")
    await expect(pause).to_have_text("Pause")


async def test_frame_opens_and_is_copied(enter: Open) -> None:
    """A frame opens by the keyboard to its whole JSON, which can be copied."""
    ann = await enter("ann", permissions=["clipboard-read", "clipboard-write"])
    await ann.show("frames")
    row = rows(ann).filter(has_text="welcome")
    await expect(row.locator(".gist")).to_have_text("user ann")
    await row.locator("summary").press("Enter")
    welcome = json.loads(await row.locator("pre").inner_text())
    assert welcome["user"] == {"id": "ann", "name": "Ann"}
    await row.get_by_role("button", name="Copy").click()
    await expect(row.get_by_role("button", name="Copied")).to_be_visible()
    assert json.loads(await ann.page.evaluate("navigator.clipboard.readText()")) == welcome


async def test_type_is_completed(enter: Open) -> None:
    """Typing the beginning of a type offers it; Enter fills in an example that can be sent."""
    ann = await enter("ann")
    await ann.show("frames")
    field = ann.page.get_by_role("combobox", name="Type")
    await field.press_sequentially("pub")
    option = ann.page.get_by_role("listbox").get_by_role("option")
    await expect(option).to_have_count(1)
    await expect(option).to_have_attribute("aria-selected", "true")
    await expect(option).to_contain_text("publish Say something")
    await field.press("Enter")
    frame = json.loads(await ann.page.locator("#frame-json").input_value())
    assert (frame["type"], frame["room"]) == ("publish", "general")
    await ann.page.press("#frame-json", "Control+Enter")
    await expect(answer(ann)).to_contain_text("ack after")
    await ann.show("chat")
    await expect(ann.messages().locator(".body")).to_have_text(frame["text"])


async def test_examples_are_asked_for_again(enter: Open) -> None:
    """Where the server has no examples to give, that is said, and the next try may have them."""
    ann = await enter("ann")
    await ann.show("frames")
    refusal = {"code": "unavailable", "detail": "not now"}
    await ann.page.route("**/asyncapi.json", lambda route: route.fulfill(status=503, json=refusal))
    field = ann.page.get_by_role("combobox", name="Type")
    await field.click()
    await expect(ann.page.locator("#frame-help")).to_have_text("No examples: unavailable: not now.")
    ann.complaints.clear()  # the browser itself reports the refusal
    await ann.page.unroute("**/asyncapi.json")
    await field.press_sequentially("publish")
    await field.press("Enter")
    await expect(ann.page.locator("#frame-help")).to_contain_text("publish: Say something")


async def test_answers_to_frames_by_hand(enter: Open) -> None:
    """What the server says to a frame by hand is shown, and what is no JSON is not sent."""
    ann = await enter("ann")
    await ann.show("frames")
    await compose(ann, {"type": "dance"})
    await expect(answer(ann)).to_contain_text("error unknown_type")
    await compose(ann, {"type": "publish", "room": "elsewhere!", "text": "x"})
    await expect(answer(ann)).to_contain_text("error bad_request")
    await compose(ann, '{"type": ')
    await expect(answer(ann)).to_contain_text("not JSON")
    await compose(ann, [{"type": "typing", "room": "general", "on": True}, {"type": "pong"}])
    await expect(answer(ann)).to_have_text("sent")
    await expect(ann.state).to_have_text("online")


async def test_latency_is_plotted(enter: Open) -> None:
    """A ping and a message leave a mark each in the plot, and figures in the table."""
    ann = await enter("ann")
    await ann.say("how fast?")
    await expect(ann.messages()).to_have_attribute("data-state", "acked")
    await ann.show("frames")
    figures = ann.page.locator("#latencies tbody tr")
    for row in range(3):
        await expect(figures.nth(row).locator("td").first).to_contain_text("ms")
    for mark in ("circle.trip", "rect.ack", "polygon.deliver"):
        assert await ann.page.locator(f"#plot {mark}").count() >= 1
