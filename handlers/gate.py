"""Who may connect: bounds on connections and handshakes, all before any expensive work."""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache, partial
from ipaddress import IPv6Address, ip_network
from typing import Final

from chat.errors import Refusal
from chat.limits import MINUTE_S
from chat.rate import ceil_ms
from chat.rates import Rates
from handlers.address import is_trusted, parsed
from handlers.options import EdgeOptions

RETRY_MS: Final = 5_000
# To each handshake that an address may make, and to each WebSocket that it may have: a page, its
# modules and images, and REST beside it.
_CONNECTIONS: Final = 5
_HTTP_LEAST: Final = 64  # of one address at once: ten browsers, each with the usual six
HTTP_SPARE: Final = 768  # of all at once, beside the WebSockets that the node has room for
_REMEMBERED: Final = 4_096  # addresses of which it is known what they count as
_V6_PREFIX: Final = 64  # what one subscriber is given: its addresses count as one


@lru_cache(_REMEMBERED)
def network_of(address: str) -> str:
    """Return what an address counts as: itself, or its /64 in IPv6."""
    found = parsed(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, _V6_PREFIX), strict=False))
    return address if found is None else str(found)


@lru_cache(_REMEMBERED)
def redacted(address: str) -> str:
    """Return an address cut so that it names a network, not a person: /24, or /48 in IPv6."""
    found = parsed(address)
    if found is None:
        return ""
    return str(ip_network((found, 24 if found.version == 4 else 48), strict=False))  # noqa: PLR2004


def take_one(counts: Counter[str], name: str) -> None:
    """Count one less; what stands at nothing is forgotten."""
    counts[name] -= 1
    if counts[name] <= 0:
        del counts[name]


class Entry:
    """A connection that was let in; it is a stranger until it has signed in."""

    __slots__ = ("_gate", "_network", "_stranger")

    def __init__(self, gate: "Gate", network: str) -> None:
        self._gate = gate
        self._network = network
        self._stranger = True

    def signed_in(self) -> None:
        """Count it among the strangers no more; signing in again is nothing."""
        if self._stranger:
            self._stranger = False
            take_one(self._gate.strangers, self._network)

    def leave(self) -> None:
        """Count it out; once, when it has ended."""
        self.signed_in()
        self._gate.active -= 1
        take_one(self._gate.by_network, self._network)


class Gate:
    """Counts the connections of this node; exact, for it never waits between look and count.

    `attempts` counts by which bound those who came were refused, `rejections` those of them that
    came too often. The counts are this process's own: after its end none is left to be wrong.
    """

    def __init__(
        self, options: EdgeOptions, attempts: Counter[str], rejections: Counter[str]
    ) -> None:
        self._options = options
        self._attempts = attempts
        self._rejections = rejections
        self.by_network: Counter[str] = Counter()
        self.strangers: Counter[str] = Counter()
        self.http: Counter[str] = Counter()  # open HTTP connections by network
        self.http_open = 0
        self._http_per_network = max(_HTTP_LEAST, _CONNECTIONS * options.connections_per_ip)
        self._handshakes = Rates(options.handshakes_per_minute, MINUTE_S)
        self._connections = Rates(_CONNECTIONS * options.handshakes_per_minute, MINUTE_S)
        self._bad_tokens = Rates(options.bad_tokens_per_minute, MINUTE_S)
        self.draining = False
        self.active = 0

    @property
    def accepting(self) -> bool:
        """Whether one more connection would be let in."""
        return not self.draining and self.active < self._options.connections

    def knock(self, address: str, now: float) -> Callable[[], None] | None:
        """Count one more HTTP connection in, before anything is read from it, or return None.

        What is returned counts it out. Five at once for each WebSocket that an address may have,
        five in any minute for each handshake that it may make; trusted proxies as many as there is
        room for. Without these bounds connections that stay open take all files, and short
        requests without end a share of everybody's core.
        """
        network = network_of(address)
        bound = self._bound_of(address, network, now)
        if bound is not None:
            self._rejections[bound] += 1
            return None
        self.http_open += 1
        self.http[network] += 1
        return partial(self._hang_up, network)

    def _bound_of(self, address: str, network: str, now: float) -> str | None:
        """Return the bound that keeps an HTTP connection out."""
        if self.http_open + self.active >= self._options.connections + HTTP_SPARE:
            return "open"
        if is_trusted(address, self._options.trusted_proxies):
            return None
        if self.http[network] >= self._http_per_network:
            return "open"
        return "connections" if self._connections.spend(network, now) else None

    def _hang_up(self, network: str) -> None:
        self.http_open -= 1
        take_one(self.http, network)

    def enter(self, address: str, now: float) -> Entry:
        """Count a connection in, or raise `unavailable` (full) or `rate_limited` (this address)."""
        network = network_of(address)
        if not self.accepting:
            raise self._refuse("full", Refusal("unavailable", "full", retry_ms=RETRY_MS))
        if self.by_network[network] >= self._options.connections_per_ip:
            detail = f"{self._options.connections_per_ip} connections per address"
            raise self._refuse("per_ip", Refusal("rate_limited", detail, retry_ms=RETRY_MS))
        if self.strangers[network] >= self._options.unauthenticated_per_ip:
            detail = f"{self._options.unauthenticated_per_ip} not signed in per address"
            raise self._refuse(
                "unauthenticated", Refusal("rate_limited", detail, retry_ms=RETRY_MS)
            )
        wait = self._handshakes.spend(network, now)
        if wait:
            detail = f"{self._options.handshakes_per_minute} handshakes per 60 s"
            retry_ms = ceil_ms(wait)
            raise self._refuse("handshakes", Refusal("rate_limited", detail, retry_ms=retry_ms))
        self.active += 1
        self.by_network[network] += 1
        self.strangers[network] += 1
        return Entry(self, network)

    def _refuse(self, reason: str, refusal: Refusal) -> Refusal:
        self._attempts[reason] += 1
        if refusal.code == "rate_limited":
            self._rejections[reason] += 1
        return refusal

    def admit_token(self, address: str, now: float) -> None:
        """Raise `rate_limited` for an address of which too many tokens were bad: none is read."""
        wait = self._bad_tokens.wait(network_of(address), now)
        if wait:
            self._rejections["bad_tokens"] += 1
            detail = f"{self._options.bad_tokens_per_minute} bad tokens per 60 s"
            raise Refusal("rate_limited", detail, retry_ms=ceil_ms(wait))

    def count_bad_token(self, address: str, now: float) -> None:
        """Count a token that was not accepted; one that has expired was good once."""
        self._bad_tokens.spend(network_of(address), now)
