"""Public keys from one configured URL: cached, bounded, asked once for all, never by a redirect.

RFC 7517. The token chooses among our keys by `kid`; `jku`, `x5u`, `jwk` in its header are not
looked at.
"""

import asyncio
import logging
import ssl
import time
from typing import Any, Final

import aiohttp
import jwt
import msgspec

from chat.errors import Refusal, Unavailable
from chat.rate import ceil_ms

_log: Final = logging.getLogger("holdfast.jwks")

FRESH_S: Final = 600.0  # how long a set is used before it is asked for again
AGED_S: Final = 2 * FRESH_S  # nobody has asked for so long: a key may have been taken back
REFETCH_S: Final = 30.0  # at the most so often for an unknown kid: a flood asks nobody
FETCH_S: Final = 3.0
BOUND: Final = 1 << 16  # bytes; a set of a hundred keys has a third of it
_RETRY_MS: Final = 5_000
_OK: Final = 200
FAMILIES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}  # algorithm to key type


class Jwks:
    """The key set behind one https URL; the first who needs it fetches.

    Who needs a key that is not known waits for that; who comes with a known one is not held up by
    a slow server of keys.
    """

    def __init__(self, url: str, *, tls: ssl.SSLContext | None = None) -> None:
        self._url = url
        self._tls = tls or ssl.create_default_context()
        self._keys: dict[str, dict[str, Any]] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")  # when the last fetch ended
        self._failed = True  # it brought nothing, so there may be keys that are not known
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        """Return the key of that id if it is for that algorithm; None: there is no such key.

        Raises `Unavailable` when the last fetch brought no set, `rate_limited` when no other may
        be made yet: the token may well be good, and its key newer than what was fetched.
        """
        now = time.monotonic()
        known = kid in self._keys
        fetching = None
        if not known or now - self._fetched > FRESH_S:
            fetching = self._refresh(now)
            if fetching is not None and (not known or now - self._tried > AGED_S):
                # The first who asked may hang up; the others wait for the same fetch.
                await asyncio.shield(fetching)
        key = self._keys.get(kid)
        if key is None:
            if self._failed:
                raise Unavailable("the keys of tokens can't be had", retry_ms=_RETRY_MS)
            if fetching is None:
                detail = f"keys of tokens are fetched once in {REFETCH_S:g} s"
                wait = self._tried + REFETCH_S - now
                raise Refusal("rate_limited", detail, retry_ms=ceil_ms(wait))
            return None
        return made_for(key, algorithm)

    async def close(self) -> None:
        """Give up a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})

    def _refresh(self, now: float) -> asyncio.Task[None] | None:
        """Return the fetch under way, or one begun now; None: the last was not long ago."""
        if self._fetching is None and now - self._tried >= REFETCH_S:
            self._fetching = asyncio.create_task(self._take_new())
        return self._fetching

    async def _take_new(self) -> None:
        begun = time.monotonic()
        try:
            self._keys = read_keys(await self._fetch())
            self._fetched = begun
            self._failed = False
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # What we have stays good: keys outlive the hiccups of who serves them.
            self._failed = True
            _log.warning("jwks_unavailable", extra={"error": type(error).__name__})
        finally:
            self._tried = time.monotonic()
            self._fetching = None

    async def _fetch(self) -> bytes:
        timeout = aiohttp.ClientTimeout(total=FETCH_S)
        connector = aiohttp.TCPConnector(ssl=self._tls)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
            session.get(self._url, allow_redirects=False) as answer,
        ):
            body = await answer.content.read(BOUND + 1)
            while len(body) <= BOUND and (more := await answer.content.read(BOUND)):
                body += more
        if answer.status != _OK or len(body) > BOUND:
            raise ValueError("not a key set")
        return body


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


def read_keys(body: bytes) -> dict[str, dict[str, Any]]:
    """Return the public signature keys of a set by their kid; others are left out.

    Raises `ValueError` for what is no key set.
    """
    return {
        key["kid"]: key
        for key in msgspec.json.decode(body, type=_KeySet).keys
        if isinstance(key.get("kid"), str)
        and key.get("kty") in FAMILIES.values()
        and key.get("use", "sig") == "sig"
    }


def made_for(key: dict[str, Any], algorithm: str) -> jwt.PyJWK | None:
    """Return the key ready for the algorithm, if it is of that family and names no other."""
    if FAMILIES.get(algorithm[:2]) != key["kty"] or key.get("alg", algorithm) != algorithm:
        return None
    try:
        return jwt.PyJWK(key, algorithm=algorithm)
    except jwt.PyJWTError:
        return None
