"""Catching up: what a joining client is shown of the past, and how the past meets the live."""

from collections.abc import AsyncIterator, Iterator, Sequence

import msgspec

from chat.commands import Join
from chat.limits import PAGE_BYTES, PAGE_EVENTS, REPLAY, RESET_EVENTS
from chat.log import Event, MessageLog, Page, Position


class Stretch(msgspec.Struct, frozen=True):
    """A part of a catch-up: events to show, why the client must start anew, if more follow."""

    page: Page
    events: Sequence[Event]
    more: bool = False
    reset: str | None = None

    @property
    def end(self) -> Position:
        """Where the client stands after this stretch."""
        seq = self.events[-1].seq if self.more else self.page.head
        return Position(self.page.epoch, seq)


def reset_reason(since: int, epoch: str | None, page: Page) -> str | None:
    """Return why a client at `since` in `epoch` can't be brought up to date, or None.

    A client that named no epoch has only its number to go by.
    """
    if epoch is not None and epoch != page.epoch:
        return "epoch"
    if since > page.head:
        return "ahead"
    if since < page.tail - 1:
        return "trimmed"
    if page.head - since > REPLAY:
        return "too_far"
    return None


async def catch_up(log: MessageLog, join: Join) -> AsyncIterator[Stretch]:
    """Yield the stretches that bring a joining client from where it stands to the log's head."""
    async for stretch in _read(log, join):
        for piece in _cut(stretch):
            yield piece


def _cut(stretch: Stretch) -> Iterator[Stretch]:
    """Cut a stretch of large events into pieces that a slow reader takes one by one."""
    start = size = 0
    reset = stretch.reset
    for place, event in enumerate(stretch.events):
        if start < place and size + len(event.payload) > PAGE_BYTES:
            yield Stretch(stretch.page, stretch.events[start:place], more=True, reset=reset)
            start, size, reset = place, 0, None
        size += len(event.payload)
    yield Stretch(stretch.page, stretch.events[start:], more=stretch.more, reset=reset)


async def _read(log: MessageLog, join: Join) -> AsyncIterator[Stretch]:
    if join.since is None:
        page = await log.read(join.room, limit=join.history)
        yield Stretch(page, page.events)
        return
    first = await log.read(join.room, after=join.since, limit=PAGE_EVENTS)
    reason = reset_reason(join.since, join.epoch, first)
    if reason is not None:
        yield await _reset(log, join.room, reason)
        return
    page = first
    while _is_continued(page, first.head):
        yield Stretch(page, page.events, more=True)
        last = page.events[-1].seq
        page = await log.read(join.room, after=last, limit=PAGE_EVENTS)
        if page.epoch != first.epoch or page.tail > last + 1:
            reason = "trimmed" if page.epoch == first.epoch else "epoch"
            yield await _reset(log, join.room, reason)
            return
    yield _last(page)


async def _reset(log: MessageLog, room: str, reason: str) -> Stretch:
    page = await log.read(room, limit=RESET_EVENTS)
    return Stretch(page, page.events, reset=reason)


def _is_continued(page: Page, goal: int) -> bool:
    return bool(page.events) and page.events[-1].seq < min(goal, page.head)


def _last(page: Page) -> Stretch:
    """The log may have grown past the goal: what this page lacks, the live stream brings."""
    if page.events and page.events[-1].seq < page.head:
        head = page.events[-1].seq
        page = Page(page.epoch, page.tail, head, page.events)
    return Stretch(page, page.events)
