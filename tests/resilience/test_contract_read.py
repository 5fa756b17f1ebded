"""`MessageLog.read`: pages of what is safe, whichever way they are asked for."""

import asyncio

import pytest

from chat.log import MessageLog, Page
from tests.resilience.nodes import OpenNode
from tests.resilience.recorder import draft, texts

HISTORY = 100


def seqs(page: Page) -> list[int]:
    return [event.seq for event in page.events]


async def fill(log: MessageLog, count: int) -> None:
    await asyncio.gather(*[log.append(draft(f"{seq}")) for seq in range(1, count + 1)])


@pytest.mark.parametrize(
    ("after", "before", "limit", "expected"),
    [
        (None, None, 3, [8, 9, 10]),
        (None, None, 10, list(range(1, 11))),
        (None, None, 99, list(range(1, 11))),
        (0, None, 3, [1, 2, 3]),
        (4, None, 3, [5, 6, 7]),
        (8, None, 3, [9, 10]),
        (10, None, 3, []),
        (99, None, 3, []),
        (None, 1, 3, []),
        (None, 2, 3, [1]),
        (None, 7, 3, [4, 5, 6]),
        (None, 11, 3, [8, 9, 10]),
        (None, 99, 3, [8, 9, 10]),
        (0, None, 0, []),
        (None, 7, 0, []),
        (None, None, 0, []),
    ],
)
async def test_a_page_is_what_was_asked_for(
    log: MessageLog, after: int | None, before: int | None, limit: int, expected: list[int]
) -> None:
    """After, before or neither, and the limit, choose ascending events; the bounds are told too."""
    await fill(log, 10)
    page = await log.read("den", after=after, before=before, limit=limit)
    assert seqs(page) == expected
    assert texts(page.events) == [f"{seq}" for seq in expected]
    assert (page.tail, page.head) == (1, 10)


async def test_a_room_that_never_was_is_empty(log: MessageLog) -> None:
    """A room nobody wrote to has no events, the bounds of an empty log, and an epoch."""
    page = await log.read("nowhere", limit=10)
    assert (seqs(page), page.tail, page.head) == ([], 1, 0)
    assert page.epoch


async def test_the_epoch_stays_as_long_as_the_history(log: MessageLog) -> None:
    """Reading before the first event, following, writing and reading again name one epoch."""
    before = (await log.read("den", limit=1)).epoch
    followed = (await log.follow("den")).epoch
    await log.append(draft())
    after = (await log.read("den", limit=1)).epoch
    assert before == followed == after


async def test_a_read_contains_every_receipt(log: MessageLog) -> None:
    """Whatever was answered before a read begins is in it."""

    async def say(user: str) -> None:
        for _ in range(10):
            receipt = await log.append(draft(user=user))
            page = await log.read("den", after=receipt.seq - 1, limit=1)
            assert seqs(page) == [receipt.seq]

    await asyncio.gather(*map(say, ["ann", "bo", "cy"]))


async def test_pages_join_without_a_gap(log: MessageLog) -> None:
    """Page after page, forwards or backwards, gives the whole log once."""
    await fill(log, 25)
    forwards: list[int] = []
    while page := seqs(await log.read("den", after=max(forwards, default=0), limit=7)):
        forwards += page
    backwards: list[int] = []
    while page := seqs(await log.read("den", before=min(backwards, default=26), limit=7)):
        backwards = page + backwards
    assert forwards == backwards == list(range(1, 26))


async def test_reading_on_while_others_write(log: MessageLog) -> None:
    """A reader that goes on from its last page while appends run sees all of them, dense."""
    seen: list[int] = []
    writing = asyncio.create_task(fill(log, 200))
    while len(seen) < 200:
        seen += seqs(await log.read("den", after=len(seen), limit=20))
        await asyncio.sleep(0)
    await writing
    assert seen == list(range(1, 201))


async def test_the_tail_rises_when_old_events_are_trimmed(open_node: OpenNode) -> None:
    """Beyond the history the oldest go, at least the history stays, and the places go on."""
    log = (await open_node(history=HISTORY)).log
    await fill(log, 500)
    page = await log.read("den", after=0, limit=500)
    assert page.head == 500
    assert 1 < page.tail <= 500 - HISTORY + 1
    assert seqs(page) == list(range(page.tail, 501))
    assert texts(page.events)[0] == f"{page.tail}"
    assert (await log.append(draft())).seq == 501


async def test_nothing_lies_below_the_tail(open_node: OpenNode) -> None:
    """Asked for what is trimmed, a page has no event below its tail."""
    log = (await open_node(history=HISTORY)).log
    await fill(log, 500)
    tail = (await log.read("den", limit=0)).tail
    assert seqs(await log.read("den", before=tail, limit=10)) == []
    assert seqs(await log.read("den", before=tail + 2, limit=10)) == [tail, tail + 1]
    assert seqs(await log.read("den", after=tail - 2, limit=2)) == [tail, tail + 1]
