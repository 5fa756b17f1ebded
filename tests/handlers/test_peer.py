"""A peer: when it is told to come back."""

from typing import cast

from chat.errors import Refusal, Unavailable
from chat.session import Session
from handlers.outbox import Outbox
from handlers.peer import SPREAD_MS, Peer

PEERS = [
    Peer(f"conn-{number}", "::1", cast("Session", None), cast("Outbox", None))
    for number in range(200)
]


def test_who_was_refused_together_comes_back_one_after_the_other() -> None:
    """An outage's end meets no crowd, and what one connection has sent comes in its order."""
    told = [peer.retry_ms(Unavailable()) or 0 for peer in PEERS]
    assert told == [peer.retry_ms(Unavailable()) for peer in PEERS]
    assert all(1_000 <= retry_ms < 1_000 + SPREAD_MS for retry_ms in told)
    tenths = [retry_ms * 10 // SPREAD_MS for retry_ms in told]
    assert all(5 < tenths.count(tenth) < 40 for tenth in range(10, 20))


def test_a_limit_is_over_when_it_is_over() -> None:
    """What is known exactly is said exactly; what is not to be repeated stays so."""
    assert {peer.retry_ms(Refusal("rate_limited", retry_ms=640)) for peer in PEERS} == {640}
    assert {peer.retry_ms(Refusal("forbidden")) for peer in PEERS} == {None}
