"""The subscriber's link while it is built: a moment that real Redis passes within a millisecond."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from random import Random
from typing import cast

import pytest

from resilience.generation import Generation
from resilience.link import Command, OnPush
from resilience.subscriber import Subscriber
from resilience.succession import Succession

WITHIN_S = 1.0  # half of what it would wait for a confirmation


class Line:
    """A link that keeps what it is told, and never ends."""

    closed = False

    def __init__(self) -> None:
        self.told: asyncio.Queue[Sequence[Command]] = asyncio.Queue()

    def tell(self, commands: Sequence[Command]) -> None:
        self.told.put_nowait(commands)

    async def ended(self, timeout_s: float | None = None) -> None:
        await asyncio.sleep(60 if timeout_s is None else timeout_s)

    def close(self, reason: str) -> None:
        self.closed = bool(reason)


class Reign:
    """A generation without end whose only link is the line; and the succession to it."""

    over = False

    def __init__(self) -> None:
        self.line = Line()
        self.push: OnPush

    async def reigning(self) -> "Reign":
        return self

    async def ended(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def open(self, *, on_push: OnPush) -> Line:
        self.push = on_push
        return self.line


class Heard:
    """What the subscriber tells."""

    def __init__(self) -> None:
        self.confirmed: list[bytes] = []
        self.messages: list[tuple[bytes, bytes]] = []
        self.reign = Reign()
        self.subscribed = asyncio.Event()
        self.subscriber = Subscriber(cast("Succession", self.reign), Random(1))
        self.subscriber.on_subscribed = self.subscribed.set
        for name in (b"a", b"b"):
            self.subscriber.subscribe(
                name,
                partial(self._take, name),
                partial(self.confirmed.append, name),
            )

    def _take(self, name: bytes, payload: bytes) -> None:
        self.messages.append((name, payload))


@pytest.fixture
async def heard() -> AsyncIterator[Heard]:
    found = Heard()
    running = asyncio.create_task(found.subscriber.run())
    yield found
    running.cancel()
    await asyncio.wait({running})


def test_the_generation_is_one() -> None:
    """What the line stands for has what is asked of it."""
    assert all(hasattr(Generation, name) for name in ("over", "ended", "open"))


async def test_it_hears_when_all_is_confirmed(heard: Heard) -> None:
    """Deaf until the last channel is confirmed; then messages come, each by its channel."""
    async with asyncio.timeout(WITHIN_S):
        assert await heard.reign.line.told.get() == [("SUBSCRIBE", b"a", b"b")]
    heard.reign.push([b"subscribe", b"a", 1])
    await asyncio.sleep(0)
    assert not heard.subscribed.is_set()
    heard.reign.push([b"subscribe", b"b", 2])
    async with asyncio.timeout(WITHIN_S):
        await heard.subscribed.wait()
    assert not heard.subscriber.deaf
    assert heard.confirmed == [b"a", b"b"]
    heard.reign.push([b"message", b"b", b"news"])
    assert heard.messages == [(b"b", b"news")]


async def test_what_stands_for_a_subscription_ends_with_its_link(heard: Heard) -> None:
    """There is none before the confirmation, another one after each, none at a closed link."""
    async with asyncio.timeout(WITHIN_S):
        await heard.reign.line.told.get()
    hearing = heard.subscriber.hearing
    assert hearing([b"a"]) == [None]
    heard.reign.push([b"subscribe", b"a", 1])
    first, other = hearing([b"a", b"c"])
    assert first is not None
    assert other is None
    assert hearing([b"a"]) == [first]
    heard.reign.push([b"subscribe", b"a", 1])
    assert hearing([b"a"])[0] not in {None, first}
    heard.reign.line.close("the generation has ended")
    assert hearing([b"a"]) == [None]


async def test_who_goes_meanwhile_is_not_waited_for(heard: Heard) -> None:
    """A channel given up while the link is built holds the others' news up by nothing."""
    async with asyncio.timeout(WITHIN_S):
        await heard.reign.line.told.get()
        heard.subscriber.unsubscribe(b"b")
        heard.reign.push([b"subscribe", b"a", 1])
        heard.reign.push([b"subscribe", b"b", 2])
        await heard.subscribed.wait()
    assert heard.confirmed == [b"a"]
    assert not heard.subscriber.hears(b"b")
