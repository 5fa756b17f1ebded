"""Revocations on Redis: a stream that keeps each as long as it matters, read by every node."""

import asyncio
from typing import Any, Final

import msgspec

from chat.claims import LEEWAY_S, LIFETIME_S
from chat.engine import Listener
from chat.errors import Refusal
from chat.revocations import BOUND, Revocation
from resilience import keys
from resilience.courier import Courier
from resilience.reader import Reader
from resilience.scripts import REVOKE

# An hour more than the longest life of a token: the clocks of issuer, node and Redis may differ.
KEPT_MS: Final = (LIFETIME_S + 2 * LEEWAY_S + 3_600) * 1_000
PAGE: Final = 500  # told in one turn of the loop: a millisecond

_decode: Final = msgspec.json.Decoder(Revocation).decode
_encode: Final = msgspec.json.Encoder().encode


class RedisRevocations:
    """Keeps revocations for all nodes, and tells the listener of each; again after a failover."""

    def __init__(self, listener: Listener, courier: Courier, reader: Reader) -> None:
        self._listener = listener
        self._courier = courier
        self._reader = reader
        self._after = b"-"
        self.known = asyncio.Event()  # all that were kept when this node began are told
        self.skipped = 0

    async def keep(self, revocation: Revocation) -> None:
        """Return when it can't be lost any more; `limit_exceeded`, `Unavailable`."""
        call = REVOKE.eval((keys.REVOKED,), _encode(revocation), KEPT_MS, BOUND)
        if await self._reader.ask(lambda _: call) == 0:
            raise Refusal("limit_exceeded", f"{BOUND:,} revocations")

    def look_at_all(self) -> None:
        """Read from the start next time: another master may have numbered by another clock."""
        self._after = b"-"

    async def look(self) -> None:
        """Tell of those that came since the last look; `Unavailable`."""
        more = True
        while more:
            after = self._after
            newest, entries = await self._courier.ask([_newest(), _page(after)])
            more = isinstance(entries, list) and len(entries) == PAGE
            for entry in entries if isinstance(entries, list) else ():
                self._tell(entry)
            if self._after != after:  # turned back meanwhile, or the storage was wiped
                more = True
            elif isinstance(entries, list) and entries:
                self._after = b"(" + entries[-1][0]
            elif isinstance(newest, list) and not newest:
                self._after = b"-"
        self.known.set()

    def _tell(self, entry: Any) -> None:
        try:
            fields = dict(zip(entry[1][::2], entry[1][1::2], strict=False))
            revocation = _decode(fields[b"r"])
        except (KeyError, ValueError, TypeError, msgspec.DecodeError, RecursionError):
            self.skipped += 1
            return
        if (revocation.jti is None) == (revocation.user is None):
            self.skipped += 1
            return
        self._listener.ordered(revocation)


def _newest() -> tuple[str, ...]:
    return ("XREVRANGE", keys.REVOKED, "+", "-", "COUNT", "1")


def _page(after: bytes) -> tuple[str | bytes | int, ...]:
    return ("XRANGE", keys.REVOKED, after, "+", "COUNT", PAGE)
