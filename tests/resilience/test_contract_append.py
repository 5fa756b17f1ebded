"""`MessageLog.append`: one place for every event, order, and an outcome that is certain."""

import asyncio
import time

import pytest

from chat.commands import Content
from chat.log import Draft, MessageLog, Receipt, draft_message
from tests.resilience.nodes import Node
from tests.resilience.recorder import Recorder, body, draft, texts


async def append_all(log: MessageLog, drafts: list[Draft]) -> list[Receipt]:
    """Append all at once, before any answer."""
    return list(await asyncio.gather(*[log.append(each) for each in drafts]))


async def test_places_are_dense_from_one(log: MessageLog) -> None:
    """The events of a room stand at 1, 2, 3 … in the order of the calls, each answered so."""
    for seq in range(1, 6):
        assert (await log.append(draft(f"{seq}"))).seq == seq
    page = await log.read("den", limit=10)
    assert [event.seq for event in page.events] == [1, 2, 3, 4, 5]
    assert texts(page.events) == ["1", "2", "3", "4", "5"]


async def test_calls_of_one_caller_keep_their_order(log: MessageLog) -> None:
    """Appends that do not wait for each other get their places in the order of the calls."""
    receipts = await append_all(log, [draft(f"{index}") for index in range(300)])
    assert [receipt.seq for receipt in receipts] == list(range(1, 301))
    page = await log.read("den", limit=300)
    assert texts(page.events) == [f"{index}" for index in range(300)]


async def test_concurrent_callers_share_one_order(log: MessageLog) -> None:
    """Of many callers each event has one place, none is left out, each caller's order holds."""

    async def talk(user: str) -> list[int]:
        return [(await log.append(draft(f"{n}", user=user))).seq for n in range(10)]

    users = [f"u{index}" for index in range(20)]
    places = dict(zip(users, await asyncio.gather(*map(talk, users)), strict=True))
    assert sorted(seq for seqs in places.values() for seq in seqs) == list(range(1, 201))
    page = await log.read("den", limit=200)
    found = {event.seq: (body(event)["user"], body(event)["text"]) for event in page.events}
    assert found == {
        seq: (user, f"{n}") for user, seqs in places.items() for n, seq in enumerate(seqs)
    }
    assert all(seqs == sorted(seqs) for seqs in places.values())


async def test_rooms_count_apart(log: MessageLog) -> None:
    """Each room has its own places, also when one burst goes to several."""
    rooms = ["a", "b", "a", "b", "a"]
    receipts = await append_all(log, [draft(room=room) for room in rooms])
    assert [receipt.seq for receipt in receipts] == [1, 1, 2, 2, 3]


async def test_the_bytes_are_the_same_for_everyone(node: Node) -> None:
    """Listener and reader get the bytes that the draft makes at its place and time."""
    await node.log.follow("den")
    said = draft('naïve "quoted" \\ 🙂 مرحبا\n\t')
    receipt = await node.log.append(said)
    payload = said.payload(receipt.seq, receipt.ts)
    page = await node.log.read("den", limit=1)
    await node.heard.hears(receipt.seq)
    assert [event.payload for event in page.events] == [payload]
    assert [event.payload for event in node.heard.events()] == [payload]


async def test_an_event_says_where_and_when(log: MessageLog) -> None:
    """The event names its room, place and time, and the time is now in epoch milliseconds."""
    receipt = await log.append(draft("hello", room="lounge", user="bo", cid="k"))
    page = await log.read("lounge", limit=1)
    assert body(page.events[0]) == {
        "type": "message",
        "room": "lounge",
        "seq": 1,
        "ts": receipt.ts,
        "user": "bo",
        "cid": "k",
        "text": "hello",
    }
    assert receipt.ts == pytest.approx(time.time() * 1000, abs=5_000)


async def test_time_never_goes_back_in_a_room(log: MessageLog) -> None:
    """Of two events the later one has the same time or a later one."""
    receipts = [await log.append(draft()) for _ in range(50)]
    times = [receipt.ts for receipt in receipts]
    assert times == sorted(times)


async def test_a_retry_returns_the_first_receipt(log: MessageLog) -> None:
    """The same draft again is a duplicate at the first place and time, and is not stored again."""
    said = draft()
    first = await log.append(said)
    await log.append(draft())
    again = await log.append(said)
    assert not first.dup
    assert again == Receipt(first.seq, first.ts, dup=True)
    assert (await log.read("den", limit=10)).head == 2


async def test_a_retry_is_not_told_again(log: MessageLog, heard: Recorder) -> None:
    """The listener hears an event once, however often it is appended."""
    await log.follow("den")
    said = draft()
    await log.append(said)
    await log.append(said)
    await log.append(draft())
    await heard.hears(2)
    assert heard.seqs() == [1, 2]


async def test_parallel_retries_append_once(log: MessageLog) -> None:
    """Of the same draft appended many times at once exactly one is first, all name one place."""
    said = draft()
    receipts = await append_all(log, [said] * 20)
    assert len({(receipt.seq, receipt.ts) for receipt in receipts}) == 1
    assert sorted(receipt.dup for receipt in receipts) == [False] + [True] * 19
    assert (await log.read("den", limit=10)).head == 1


async def test_a_new_name_is_no_other_content(log: MessageLog) -> None:
    """A retry under another display name is a retry; what was stored first stays."""

    def named(name: str) -> Draft:
        content = Content(text="hi")
        return draft_message(room="den", user="ann", name=name, cid="k", content=content)

    await log.append(named("Ann"))
    assert (await log.append(named("Anna"))).dup
    page = await log.read("den", limit=2)
    assert [body(event)["name"] for event in page.events] == ["Ann"]


@pytest.mark.parametrize("other", [{"room": "lounge"}, {"user": "bo"}, {"cid": "other"}])
async def test_the_key_is_user_and_cid_in_a_room(log: MessageLog, other: dict[str, str]) -> None:
    """The same content of another user, in another room or under another cid is another message."""
    key = {"room": "den", "user": "ann", "cid": "k"}
    await log.append(draft(**key))
    assert not (await log.append(draft(**(key | other)))).dup


async def test_cancelling_gives_up_the_answer_only(log: MessageLog, heard: Recorder) -> None:
    """A draft whose future is cancelled is stored in its place, told, and can be retried."""
    await log.follow("den")
    given_up = draft("given up")
    answer = log.append(given_up)
    assert answer.cancel()
    after = await log.append(draft("after"))
    assert after.seq == 2
    await heard.hears(2)
    assert texts(heard.events()) == ["given up", "after"]
    assert (await log.append(given_up)).dup


async def test_a_cancelled_caller_harms_nobody(log: MessageLog) -> None:
    """When one of several callers is cancelled, the others are answered in order."""
    tasks = [asyncio.ensure_future(log.append(draft(f"{index}"))) for index in range(5)]
    tasks[2].cancel()
    receipts = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(receipts[2], asyncio.CancelledError)
    seqs = [receipt.seq for receipt in receipts if isinstance(receipt, Receipt)]
    assert seqs == [1, 2, 4, 5]


async def test_closing_leaves_no_append_without_answer(node: Node) -> None:
    """Appends under way when the engine closes are done when it has closed, and are certain."""
    answers = [node.log.append(draft()) for _ in range(10)]
    await node.close()
    assert all(answer.done() for answer in answers)
    assert [answer.result().seq for answer in answers] == list(range(1, 11))
