"""Orders for all nodes: a short stream that each node follows, and a channel that says when."""

import asyncio
from typing import Any, Final

import msgspec

from chat.engine import Listener
from chat.errors import Unavailable
from chat.presence import Disconnect
from chat.revocations import Revocation
from resilience import keys
from resilience.courier import Courier
from resilience.reader import Reader
from resilience.revocations_redis import RedisRevocations

KEPT: Final = 1_000  # orders; each is for now, none is for a node that comes tomorrow
LOOK_S: Final = 2.0  # how often the stream is looked at though nothing was heard
STALE_MS: Final = 60_000  # an order so old is not carried out any more: people have come back

_decode: Final = msgspec.json.Decoder(Disconnect).decode
_encode: Final = msgspec.json.Encoder().encode


class Control:
    """Gives orders to all nodes, and hands those of all nodes to the listener, once each."""

    def __init__(self, listener: Listener, courier: Courier, reader: Reader) -> None:
        self._listener = listener
        self._courier = courier
        self._reader = reader
        self.revocations = RedisRevocations(listener, courier, reader)
        self._last: bytes | None = None
        self._wake = asyncio.Event()
        self._begun = asyncio.Event()
        self.skipped = 0

    async def give(self, order: Disconnect) -> None:
        """Give an order; returns when it can't be lost any more. `Unavailable`."""
        if not self._begun.is_set():  # or this node would take the order for an old one
            await self._courier.ask([("PING",)])
            await self._begun.wait()
        body = _encode(order)
        add = ("XADD", keys.CONTROL, "MAXLEN", "~", KEPT, "*", "o", body)
        await self._reader.ask(lambda _: add)
        self._announce()

    async def revoke(self, revocation: Revocation) -> None:
        """Keep a revocation and say so; `limit_exceeded`, `Unavailable`."""
        await self.revocations.keep(revocation)
        self._announce()

    def _announce(self) -> None:
        self._courier.tell(("PUBLISH", keys.CONTROL, b""))
        self._wake.set()

    def look_at_all(self) -> None:
        """There is another master: what this node has not heard may stand anywhere."""
        self.revocations.look_at_all()
        self._wake.set()

    def hear(self, _payload: bytes = b"") -> None:
        """There may be an order."""
        self._wake.set()

    async def run(self) -> None:
        """Follow the streams until cancelled."""
        while True:
            try:
                await self.revocations.look()
                await self._look()
            except Unavailable:
                self._wake.clear()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def _look(self) -> None:
        if self._last is None:
            newest = (await self._courier.ask([_newest()]))[0]
            self._last = newest[0][0] if isinstance(newest, list) and newest else b"0-0"
            self._begun.set()
            return
        after = b"(" + self._last
        commands = [("TIME",), ("XRANGE", keys.CONTROL, after, "+"), _newest()]
        time, entries, newest = await self._courier.ask(commands)
        if not isinstance(entries, list) or not isinstance(time, list):
            return
        now_ms = int(time[0]) * 1000
        for entry in entries:
            self._last = entry[0]
            self._carry_out(entry, now_ms)
        if isinstance(newest, list) and not newest:
            self._last = b"0-0"  # the storage was wiped

    def _carry_out(self, entry: Any, now_ms: int) -> None:
        try:
            given_ms = int(entry[0].partition(b"-")[0])
            order = _decode(dict(zip(entry[1][::2], entry[1][1::2], strict=False))[b"o"])
        except (KeyError, ValueError, TypeError, msgspec.DecodeError, RecursionError):
            self.skipped += 1
            return
        if now_ms - given_ms < STALE_MS:
            self._listener.ordered(order)


def _newest() -> tuple[str, ...]:
    return ("XREVRANGE", keys.CONTROL, "+", "-", "COUNT", "1")
