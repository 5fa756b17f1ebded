"""Chatting in the console: two windows, states of sending, history, text that looks like markup."""

import asyncio

import pytest
from playwright.async_api import Browser, expect

from chat.commands import Auth
from chat.errors import Unavailable
from chat.log import Answer, Draft, MessageLog
from handlers.connection import Connection
from server.environment import Secret
from server.tokens import mint
from tests.chatting import SECRET, Served, token
from tests.conftest import Connect, Serve
from tests.console.windows import Open, window

pytestmark = pytest.mark.browser

XSS = [
    "<img src=x onerror=document.title='owned'>",
    "<script>document.title='owned'</script>",
    "javascript:document.title='owned'",
    '"><svg onload=document.title="owned">',
    "{{constructor.constructor('document.title=1')()}}",
]
HELD = "2 per 60 s"
# Where a letter of an element's text begins.
LEFT = """({firstChild}, letter) => {
    const range = new Range();
    range.setStart(firstChild, letter);
    range.setEnd(firstChild, letter + 1);
    return range.getBoundingClientRect().left;
}"""


async def test_two_windows_chat(enter: Open) -> None:
    """Two windows see who is there, who types and what is said; the author sees it acked."""
    ann, bo = await enter("ann"), await enter("bo")
    await expect(ann.room().locator(".people summary")).to_contain_text("2 here")
    await ann.room().locator(".people summary").click()
    await expect(ann.room().locator(".people li")).to_contain_text(["Ann", "Bo"])
    await ann.room().locator("textarea").press_sequentially("hel")
    await expect(bo.room().locator(".typing")).to_have_text("ann is typing")
    await ann.say("hello")
    await expect(bo.messages()).to_have_count(1)
    await expect(bo.messages().locator(".head b")).to_have_text("Ann")
    await expect(bo.room().locator(".typing")).to_have_text("")
    await expect(ann.messages()).to_have_attribute("data-state", "acked")
    assert await bo.texts() == await ann.texts() == ["hello"]


async def test_rooms_stand_side_by_side(enter: Open) -> None:
    """Rooms are apart, survive a reload, and are gone when left."""
    ann = await enter("ann")
    await ann.join("ops")
    await ann.say("here", "general")
    await ann.say("there", "ops")
    await expect(ann.messages("ops")).to_have_attribute("data-state", "acked")
    await ann.page.reload()
    await expect(ann.messages("general")).to_have_count(1)
    await expect(ann.messages("ops")).to_have_count(1)
    assert await ann.texts("ops") == ["there"]
    await ann.page.get_by_role("button", name="Leave ops").click()
    await expect(ann.room("ops")).to_have_count(0)


async def test_a_room_that_was_left_is_let_go(enter: Open) -> None:
    """Nothing holds on to the panel of a room that was left: a page is open for days."""
    ann = await enter("ann")
    await ann.page.evaluate("globalThis.panel = new WeakRef(document.querySelector('.room'))")
    await ann.page.get_by_role("button", name="Leave general").click()
    await expect(ann.room()).to_have_count(0)
    session = await ann.page.context.new_cdp_session(ann.page)
    await session.send("HeapProfiler.collectGarbage")
    assert await ann.page.evaluate("panel.deref() === undefined")


async def test_markup_stays_text(enter: Open) -> None:
    """What looks like markup or script is shown as it was written, and nothing runs."""
    ann = await enter("ann")
    for payload in XSS:
        await ann.say(payload)
    await expect(ann.messages()).to_have_count(len(XSS))
    assert await ann.texts() == XSS
    await ann.show("frames")
    await expect(ann.page.locator("#frame-list")).to_contain_text("<script>")
    assert await ann.page.title() == "Frames · Holdfast console"


async def test_markup_in_a_name_stays_text(served: Served, enter: Open, connect: Connect) -> None:
    """A name that is markup is text everywhere a name is shown."""
    ann = await enter("ann")
    bo = await connect(None, to=served)
    named = mint(Secret(SECRET), "bo", {"*": "rw"}, audience="chat", name=XSS[0])
    await bo.ask({"type": "auth", "token": named})
    await bo.join(presence=True)
    await bo.publish("hi")
    await expect(ann.messages().locator(".head b")).to_have_text(XSS[0])
    await ann.room().locator(".people summary").click()
    await expect(ann.room().locator(".people ul")).to_contain_text(XSS[0])


async def test_arabic_runs_from_right_to_left(
    served: Served, enter: Open, connect: Connect
) -> None:
    """A text ends on its left, and its author's name does not pull the time to its own left."""
    ann = await enter("ann")
    bo = await connect(None, to=served)
    named = mint(
        Secret(SECRET), "bo", {"*": "rw"}, audience="chat", name="\u0645\u062d\u0645\u062f"
    )
    await bo.ask({"type": "auth", "token": named})
    await bo.publish("\u0623\u0647\u0644\u0627!")
    name, time = ann.messages().locator(".head b"), ann.messages().locator(".head time")
    await expect(name).to_have_text("\u0645\u062d\u0645\u062f")
    assert await name.evaluate(LEFT, 0) < await time.evaluate(LEFT, 0)
    body = ann.messages().locator(".body")
    assert await body.evaluate(LEFT, 4) < await body.evaluate(LEFT, 0)


async def test_refused_message_can_be_sent_again(enter: Open) -> None:
    """A message that is too long is shown refused, with its reason; it can be discarded."""
    ann = await enter("ann")
    await ann.say("x" * 4001)
    await expect(ann.messages()).to_have_attribute("data-state", "refused")
    await expect(ann.messages().locator(".fate")).to_contain_text("refused (")
    await ann.page.get_by_role("button", name="Send again").click()
    await expect(ann.messages()).to_have_count(1)
    await expect(ann.messages()).to_have_attribute("data-state", "refused")
    await ann.page.get_by_role("button", name="Discard").click()
    await expect(ann.messages()).to_have_count(0)


async def test_held_message_says_why(serve: Serve, browser: Browser) -> None:
    """A message beyond the rate limit is shown held, and why, while it waits for its time."""
    served = await serve(dev=True, RATE_LIMIT_MESSAGES_PER_MINUTE=2)
    ann = await window(browser, served.port)
    await ann.sign_in("ann")
    await ann.join()
    for number in range(3):
        await ann.say(str(number))
    await expect(ann.messages().nth(2)).to_have_attribute("data-state", "held")
    await expect(ann.messages().nth(2).locator(".fate")).to_contain_text(HELD)
    assert ann.complaints == []


async def test_reason_goes_with_the_hold(
    enter: Open, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a message that was held is acked, nothing stands beside it."""
    ann = await enter("ann")

    def refuse(_log: MessageLog, _draft: Draft, answer: Answer) -> None:
        answer(Unavailable())

    monkeypatch.setattr(type(served.node.engine.log), "submit", refuse)
    await ann.say("hello")
    fate = ann.messages().locator(".fate")
    await expect(fate).to_contain_text("storage not reachable")
    monkeypatch.undo()
    await expect(ann.messages()).to_have_attribute("data-state", "acked")
    await expect(fate).to_be_empty()


async def test_message_before_the_welcome_is_ones_own(
    browser: Browser, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written before it is known who writes is marked as one's own once that is known."""
    welcome = asyncio.Event()
    authenticate = Connection.authenticate

    async def late(connection: Connection, auth: Auth) -> None:
        await welcome.wait()
        await authenticate(connection, auth)

    monkeypatch.setattr(Connection, "authenticate", late)
    ann = await window(browser, served.port)
    await ann.page.click("[data-user=ann]")
    await ann.page.click("#join button")
    await ann.say("first")
    await expect(ann.messages()).to_have_attribute("data-state", "queued")
    await expect(ann.state).to_have_text("connecting …")
    welcome.set()
    await expect(ann.messages()).to_have_attribute("data-state", "acked")
    await expect(ann.messages()).to_have_class("message own")
    await expect(ann.messages().locator(".head b")).to_have_text("Ann")
    assert ann.complaints == []


async def test_last_message_stays_in_sight(enter: Open) -> None:
    """When the list gets less room, as by a phone's keyboard, it still ends with what is new."""
    ann = await enter("ann", viewport={"width": 390, "height": 844})
    for number in range(30):
        await ann.say(str(number))
    await expect(ann.messages()).to_have_count(30)
    await expect(ann.messages().last).to_have_attribute("data-state", "acked")
    await ann.page.set_viewport_size({"width": 390, "height": 500})
    await expect(ann.messages().last).to_be_in_viewport()
    await ann.say("one more")
    await expect(ann.messages()).to_have_count(31)
    await expect(ann.messages().last).to_be_in_viewport()
    await expect(ann.room().locator(".below")).to_be_hidden()


async def test_history_comes_by_scrolling_up(enter: Open, served: Served) -> None:
    """Scrolling up shows the whole log from its first message, in order, each once."""
    said = [f"message {number}" for number in range(1, 161)]
    headers = {"Authorization": f"Bearer {token('bo')}"}
    for text in said:
        url = f"{served.url}/v1/rooms/general/messages"
        (await served.session.post(url, json={"text": text}, headers=headers)).raise_for_status()
    ann = await enter("ann")
    await expect(ann.messages()).to_have_count(50)
    scroller = ann.room().get_by_role("log")
    for shown in (100, 150, 160):
        await scroller.evaluate("element => { element.scrollTop = 0; }")
        await expect(ann.messages()).to_have_count(shown)
    await expect(scroller.locator(".top")).to_have_text("This is where the room begins.")
    assert await ann.texts() == said
