"""The link on which this node hears the channels of Redis, and whether it still hears."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, Final

from resilience.backoff import persist
from resilience.generation import Generation
from resilience.link import Link, LinkLost
from resilience.succession import Succession

_log: Final = logging.getLogger("holdfast.feed")

SILENCE_S: Final = 1.0  # then it is asked whether it lives, and has as long to answer
SUBSCRIBED_S: Final = 2.0  # to confirm all subscriptions of a new link
_CHUNK: Final = 500  # channels of one SUBSCRIBE

OnMessage = Callable[[bytes], None]


class _Channel:
    """Whom to tell what comes, and each time Redis says that it is heard from now on."""

    __slots__ = ("confirmed", "hearing", "on_confirmed", "on_message")

    def __init__(self, on_message: OnMessage, on_confirmed: Callable[[], None]) -> None:
        self.on_message = on_message
        self.on_confirmed = on_confirmed
        self.confirmed = asyncio.Event()
        self.hearing: object | None = None  # stands for this confirmation until the next

    def confirm(self) -> None:
        """Redis says that it is heard from now on."""
        self.hearing = object()
        self.confirmed.set()
        self.on_confirmed()

    def unconfirm(self) -> None:
        """It is heard no more, until Redis says so again."""
        self.hearing = None
        self.confirmed.clear()


class Subscriber:
    """Subscribes to channels, anew with every link."""

    def __init__(self, succession: Succession, random: Random) -> None:
        self._succession = succession
        self._random = random
        self._loop = asyncio.get_running_loop()
        self._link: Link | None = None
        self._heard = self._loop.time()
        self._channels: dict[bytes, _Channel] = {}
        self.on_subscribed: Callable[[], None] = lambda: None
        self.deaf = True
        self.rebuilt = 0

    def subscribe(
        self,
        channel: bytes,
        on_message: OnMessage,
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Hear a channel, soon: from each confirmation on, as long as that link lasts."""
        self._channels[channel] = _Channel(on_message, on_confirmed)
        if self._link is not None:
            self._link.tell([("SUBSCRIBE", channel)])

    def unsubscribe(self, channel: bytes) -> None:
        """Hear it no more."""
        found = self._channels.pop(channel, None)
        if found is None:
            return
        found.confirmed.set()  # a link that is being built must not wait for it
        if self._link is not None:
            self._link.tell([("UNSUBSCRIBE", channel)])

    def hears(self, channel: bytes) -> bool:
        """Tell whether Redis has confirmed that the channel is heard."""
        found = self._channels.get(channel)
        return found is not None and found.confirmed.is_set()

    def hearing(self, channels: Sequence[bytes]) -> list[object | None]:
        """Return what stands for each subscription, if there is one: another after each break.

        It is one at the present master: a generation closes its links as it ends.
        """
        if self._link is None or self._link.closed:
            return [None] * len(channels)
        found = map(self._channels.get, channels)
        return [None if channel is None else channel.hearing for channel in found]

    async def run(self) -> None:
        """Hear one generation after the other until cancelled."""
        while True:
            generation = await self._succession.reigning()
            try:
                await self._serve(generation)
            except LinkLost as lost:
                _log.warning("feed_lost", extra={"reason": str(lost)})
                self.rebuilt += 1
            finally:
                self.deaf = True
                self._link = None

    async def _serve(self, generation: Generation) -> None:
        async def connect() -> Link | None:
            return None if generation.over else await self._connect(generation)

        link = await persist(connect, self._random, nap=generation.ended)
        if link is None:
            return
        self._link = link
        self.deaf = False
        self.on_subscribed()
        try:
            await self._stay(link)
        finally:
            link.close("the feed is rebuilt")

    async def _connect(self, generation: Generation) -> Link:
        link = await generation.open(on_push=self._push)
        try:
            await self._subscribe_to_all(link)
        except BaseException:
            link.close("never subscribed")
            raise
        return link

    async def _subscribe_to_all(self, link: Link) -> None:
        self._link, self._heard = link, self._loop.time()
        names = list(self._channels)
        waiting = [channel.confirmed for channel in self._channels.values()]
        for channel in self._channels.values():
            channel.unconfirm()
        for start in range(0, len(names), _CHUNK):
            link.tell([("SUBSCRIBE", *names[start : start + _CHUNK])])
        try:
            async with asyncio.timeout(SUBSCRIBED_S):
                await _all(waiting)
        except TimeoutError:
            raise LinkLost("subscriptions are not confirmed") from None

    async def _stay(self, link: Link) -> None:
        """Return never: raise when the link is lost, or silent though it was asked."""
        while True:
            await link.ended(max(0.0, self._heard + SILENCE_S - self._loop.time()))
            if link.closed:
                raise LinkLost("closed")
            asked = self._loop.time()
            if asked - self._heard >= SILENCE_S:
                link.tell([("PING",)])
                await link.ended(SILENCE_S)
                if self._heard < asked:
                    raise LinkLost("silent")

    def _push(self, message: list[Any]) -> None:
        self._heard = self._loop.time()
        match message:
            case [bytes(kind), bytes(name), said] if name in self._channels:
                channel = self._channels[name]
                if kind == b"message" and isinstance(said, bytes):
                    channel.on_message(said)
                elif kind == b"subscribe":
                    channel.confirm()


async def _all(events: Iterable[asyncio.Event]) -> None:
    for event in events:
        await event.wait()
