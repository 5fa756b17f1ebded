"""The console when the network or the server does not go along: honest, and whole afterwards."""

import asyncio
import time
from typing import Final

import pytest
from playwright.async_api import Browser, Locator, Route, expect

from chat.closes import KICKED, TOKEN_EXPIRED
from chat.engine import Phase, Storage
from chat.frames import Notice
from deploy.local.ports import free_port
from handlers.peer import Peer
from server.environment import Secret
from server.tokens import mint
from tests.chatting import SECRET, Served, serving
from tests.conftest import Serve
from tests.console.windows import Open, window

pytestmark = pytest.mark.browser

FREEZE: Final = "Page.setWebLifecycleState"
SAID: Final = [str(number) for number in range(6)]
CONNECT_DEADLINE_MS: Final = 15_000  # of the client
SHORT_S: Final = 4  # the life of a token that is said to expire at half of it
FRESH_S: Final = 3600
SILENCE: Final = "the server did not answer within 10 s"
# The browser's own deadlines come a hundred times as soon; `deadlines` has what was asked for.
HURRY: Final = """() => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    globalThis.deadlines = [];
    AbortSignal.timeout = (ms) => {
        deadlines.push(ms);
        return timeout(ms / 100);
    };
}"""
HALF: Final = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"items":'
)


def peer_of(served: Served, user: str) -> Peer:
    """Return the server's end of a user's only connection."""
    (peer,) = [peer for peer in served.node.peers.values() if peer.user == user]
    return peer


async def test_cut_off_window_has_no_gap(enter: Open, served: Served) -> None:
    """A window whose connection dies shows everything said meanwhile, in order, once."""
    ann, bo = await enter("ann"), await enter("bo")
    await ann.say(SAID[0])
    await expect(bo.messages()).to_have_count(1)
    peer_of(served, "bo").outbox.abort()
    for text in SAID[1:]:
        await ann.say(text)
    await expect(bo.messages()).to_have_count(len(SAID))
    await expect(bo.state).to_have_text("online")
    assert await bo.texts() == SAID


async def test_frozen_tab_catches_up(enter: Open, served: Served) -> None:
    """A tab that the browser froze, and whose socket died, is up to date when shown again."""
    ann, bo = await enter("ann"), await enter("bo")
    session = await bo.page.context.new_cdp_session(bo.page)
    await session.send(FREEZE, {"state": "frozen"})
    peer_of(served, "bo").outbox.abort()
    for text in SAID:
        await ann.say(text)
    await expect(ann.messages()).to_have_count(len(SAID))
    await session.send(FREEZE, {"state": "active"})
    await expect(bo.messages()).to_have_count(len(SAID))
    assert await bo.texts() == SAID


async def test_offline_device_says_so(enter: Open, served: Served) -> None:
    """Offline is said, what is written waits in sight, and goes out when online again."""
    ann, bo = await enter("ann"), await enter("bo")
    await ann.page.context.set_offline(True)
    peer_of(served, "ann").outbox.abort()
    await expect(ann.state).to_have_text("this device is offline", timeout=15_000)
    await ann.say("from the tunnel")
    await expect(ann.messages()).to_have_attribute("data-state", "held")
    await expect(ann.messages().locator(".fate")).to_contain_text("held")
    await ann.page.context.set_offline(False)
    await expect(ann.messages()).to_have_attribute("data-state", "acked")
    await expect(bo.messages()).to_have_count(1)
    # The browser itself reports each attempt that had no network.
    ann.complaints[:] = [text for text in ann.complaints if "ERR_INTERNET_DISCONNECTED" not in text]


async def test_kicked_window_stays_away(enter: Open, served: Served) -> None:
    """Who is kicked is told, is not brought back by itself, and comes back by a click."""
    ann = await enter("ann")
    peer_of(served, "ann").outbox.close(KICKED)
    await expect(ann.state).to_have_text("disconnected: kicked")
    await ann.say("hello?")
    await expect(ann.room().locator(".alert")).to_contain_text("Not sent")
    await expect(ann.room().locator("textarea")).to_have_value("hello?")
    await ann.page.get_by_role("button", name="Connect now").click()
    await expect(ann.state).to_have_text("online")


async def test_degraded_storage_is_said(enter: Open, served: Served) -> None:
    """While storage is away the state says that messages are held; then that all is well."""
    ann = await enter("ann")
    tell = served.node.hub.on_storage
    tell(Storage(Phase.FAILING_OVER, "the master is silent", since=0))
    await expect(ann.state).to_have_text("online; messages are held")
    await ann.show("cluster")
    await expect(ann.page.locator("#figures")).to_contain_text("Blackouts1, ")
    tell(Storage(Phase.UP, "a new master", since=0))
    await expect(ann.state).to_have_text("online")


async def test_lost_history_begins_anew(browser: Browser) -> None:
    """When a server comes back with another history, what was shown goes, and that is said."""
    port = free_port()
    async with serving(dev=True, PORT=port) as served:
        ann = await window(browser, served.port)
        await ann.sign_in("ann")
        await ann.join()
        await ann.say("before")
        await expect(ann.messages()).to_have_attribute("data-state", "acked")
    async with serving(dev=True, PORT=port):
        await expect(ann.room().locator(".top")).to_contain_text("begins anew here (epoch)")
        await expect(ann.messages()).to_have_count(0)
        await ann.say("after")
        await expect(ann.messages()).to_have_attribute("data-seq", "1")
        await ann.page.close()


async def test_expired_token_is_renewed(serve: Serve, browser: Browser) -> None:
    """A pasted token that runs out is asked for until there is one; the open socket takes it."""
    served = await serve(dev=True)
    ann = await window(browser, served.port)
    await ann.paste(_token(lifetime_s=SHORT_S))
    await expect(ann.state).to_have_text("online")
    peer = peer_of(served, "ann")
    before = peer.session.signed_in.exp
    dialog = ann.page.get_by_role("dialog", name="The token has run out")
    await expect(dialog).to_be_visible(timeout=10_000)  # looked for every five seconds
    await dialog.get_by_role("textbox").fill(_token(lifetime_s=FRESH_S))
    for _ in range(3):  # the browser lets a page prevent the first alone
        await ann.page.keyboard.press("Escape")
        await expect(dialog).to_be_visible()
    await dialog.get_by_role("button", name="Go on").click()
    await expect(dialog).to_be_hidden()
    await ann.join()
    await ann.say("still here")
    await expect(ann.messages()).to_have_attribute("data-state", "acked")
    assert peer_of(served, "ann") is peer
    assert peer.session.signed_in.exp > max(before, time.time() + SHORT_S)
    assert ann.complaints == []


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (
            mint(Secret("x" * 40), "ann", {}, audience="chat"),
            "token_invalid: signature not accepted",
        ),
        (
            mint(Secret(SECRET), "bo", {}, audience="chat"),
            "user_mismatch: a refresh keeps the same sub",
        ),
        ("two words", "it is no token"),
    ],
    ids=["foreign key", "other user", "no token"],
)
async def test_refused_renewal_is_said(
    browser: Browser, served: Served, token: str, why: str
) -> None:
    """Why a renewed token is refused is said where the next is pasted, which the socket takes."""
    ann = await window(browser, served.port)
    await ann.paste(_token(lifetime_s=FRESH_S))
    await expect(ann.state).to_have_text("online")
    peer = peer_of(served, "ann")
    peer.send(Notice(code="token_expiring"))
    dialog = ann.page.get_by_role("dialog", name="The token has run out")
    await expect(dialog.get_by_role("textbox")).to_be_focused()
    await expect(dialog.locator("#renew-error")).to_be_empty()
    for _ in range(2):
        await renew(dialog, token)
        await expect(dialog.get_by_role("alert")).to_have_text(f"Not taken: {why}")
        await expect(dialog.get_by_role("textbox")).to_have_value("")
    await renew(dialog, _token(lifetime_s=2 * FRESH_S))
    await expect(dialog).to_be_hidden()
    await ann.join()
    assert peer_of(served, "ann") is peer
    assert peer.session.signed_in.exp > time.time() + FRESH_S
    peer.send(Notice(code="token_expiring"))
    await expect(dialog).to_be_visible()
    await expect(dialog.locator("#renew-error")).to_be_empty()
    assert ann.complaints == []


async def test_refusal_of_a_new_connection_is_said(browser: Browser, served: Served) -> None:
    """A token pasted to connect anew, and refused, is asked for once more with the reason."""
    ann = await window(browser, served.port)
    await ann.paste(_token(lifetime_s=FRESH_S))
    await expect(ann.state).to_have_text("online")
    peer_of(served, "ann").outbox.close(TOKEN_EXPIRED)
    dialog = ann.page.get_by_role("dialog", name="The token has run out")
    await expect(dialog.locator("#renew-error")).to_be_empty()
    await renew(dialog, mint(Secret("x" * 40), "ann", {}, audience="chat"))
    refusal = "Not taken: token_invalid: signature not accepted"
    await expect(dialog.get_by_role("alert")).to_have_text(refusal)
    await expect(ann.state).to_have_text("disconnected: token_invalid")
    await renew(dialog, _token(lifetime_s=FRESH_S))
    await expect(ann.state).to_have_text("online")
    await expect(dialog).to_be_hidden()
    assert ann.complaints == []


async def test_refusal_of_a_request_is_said(browser: Browser, served: Served) -> None:
    """A token pasted for a request, and refused, is asked for once more with the reason."""
    good = _token(lifetime_s=2 * FRESH_S)

    async def answer(route: Route) -> None:
        if route.request.headers["authorization"] == f"Bearer {good}":
            await route.fallback()
        else:
            await route.fulfill(status=401, json={"code": "token_invalid", "detail": "revoked"})

    ann = await window(browser, served.port)
    await ann.paste(_token(lifetime_s=FRESH_S))
    await expect(ann.state).to_have_text("online")
    await ann.page.route("**/v1/admin/connections", answer)
    await ann.show("connections")
    dialog = ann.page.get_by_role("dialog", name="The token has run out")
    await expect(dialog.locator("#renew-error")).to_be_empty()
    await renew(dialog, "another.that.is.wrong")
    await expect(dialog.get_by_role("alert")).to_have_text("Not taken: token_invalid: revoked")
    await renew(dialog, good)
    await expect(ann.page.locator("#count")).to_have_text("1 of 1 connection")
    await expect(dialog).to_be_hidden()


async def renew(dialog: Locator, token: str) -> None:
    """Paste a token where the next one is asked for."""
    await dialog.get_by_role("textbox").fill(token)
    await dialog.get_by_role("button", name="Go on").click()


async def test_token_between_two_attempts_is_taken(serve: Serve, browser: Browser) -> None:
    """A token pasted while the client waits is used at once, not asked for once more."""
    served = await serve(dev=True)
    ann = await window(browser, served.port)
    await ann.page.evaluate("Math.random = () => 0.5")  # so that there is a wait to paste within
    await ann.page.clock.install()
    await ann.paste(_token(lifetime_s=FRESH_S))
    await expect(ann.state).to_have_text("online")
    await ann.page.clock.pause_at(time.time() + 1)
    peer_of(served, "ann").outbox.close(TOKEN_EXPIRED)
    dialog = ann.page.get_by_role("dialog", name="The token has run out")
    await expect(dialog).to_be_visible()
    await ann.page.clock.run_for(CONNECT_DEADLINE_MS)
    await expect(ann.state).to_have_text("cut off (connect_timeout)")
    await renew(dialog, _token(lifetime_s=FRESH_S))
    await expect(ann.state).to_have_text("online")
    await expect(dialog).to_be_hidden()
    assert ann.complaints == []


@pytest.mark.parametrize("path", ["/dev/token", "/v1/admin/cluster"])
async def test_silence_is_said(browser: Browser, served: Served, path: str) -> None:
    """Who waits in vain for a request is told so in plain words, with the deadline it had."""

    async def never(_: Route) -> None:
        """Leave the request without an answer."""

    ann = await window(browser, served.port)
    await ann.page.route(f"**{path}", never)
    await ann.page.evaluate(HURRY)
    await ann.page.click("[data-user=ann]")
    await expect(ann.page.locator("#sign-in-error")).to_have_text(f"Not signed in: {SILENCE}")
    assert set(await ann.page.evaluate("deadlines")) == {10_000}
    assert ann.complaints == []


async def test_half_an_answer_is_silence(enter: Open) -> None:
    """An answer whose end does not come is given up on like one that never began."""
    given_up = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HALF)
        await reader.read()  # until the browser turns away
        writer.close()
        given_up.set()

    ann = await enter("ann")
    await ann.page.evaluate(HURRY)
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await ann.page.route("**/v1/admin/connections", lambda route: route.continue_(url=url))
        await ann.show("connections")
        await expect(ann.page.locator("#connections-error")).to_have_text(SILENCE)
        await given_up.wait()


async def test_refused_token_is_said(browser: Browser, served: Served) -> None:
    """A token of another key signs nobody in, and the page says why."""
    ann = await window(browser, served.port)
    await ann.paste(mint(Secret("x" * 40), "ann", {"*": "r"}, audience="chat"))
    refusal = ann.page.locator("#sign-in-error")
    await expect(refusal).to_have_text("Not signed in: token_invalid: signature not accepted")
    await expect(ann.page.locator("#chat")).to_be_hidden()


def _token(*, lifetime_s: int) -> str:
    return mint(
        Secret(SECRET),
        "ann",
        {"*": "rw"},
        audience="chat",
        scope="chat.admin",
        lifetime_s=lifetime_s,
    )
