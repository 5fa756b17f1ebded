"""The table of close codes is the protocol's; every reason fits a control frame."""

import re

import pytest

from chat.closes import CLOSES, REASON_BYTES, Close

# Section 5 of the protocol; the names of the 10xx are this server's.
CODES = {
    1003: "text_only",
    1007: "not_utf8",
    1009: "too_big",
    1012: "restart",
    4000: "protocol_error",
    4001: "unsupported_version",
    4003: "forbidden",
    4004: "kicked",
    4005: "replaced",
    4100: "auth_timeout",
    4101: "token_invalid",
    4102: "token_expired",
    4103: "token_revoked",
    4200: "rate_limited",
    4201: "overloaded",
    4203: "idle_timeout",
    4300: "slow_consumer",
    4301: "resync",
    4302: "rebalance",
}


def test_the_table_is_the_protocols() -> None:
    """Every code stands in the table once, under its name."""
    assert [(close.code, close.name) for close in CLOSES] == list(CODES.items())


@pytest.mark.parametrize("close", CLOSES, ids=lambda close: close.name)
def test_reasons_fit_and_can_be_read(close: Close) -> None:
    """A reason is `name[ retry=<ms>]`, in at most the 123 bytes that RFC 6455 leaves."""
    assert close.reason() == close.name
    longest = close.reason(2**53)
    assert re.fullmatch(rf"{close.name} retry=\d+", longest)
    assert len(longest.encode()) <= REASON_BYTES == 123
    assert close.reason(0) == f"{close.name} retry=0"
