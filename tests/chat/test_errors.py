"""The table of refusals is the protocol's, and a refusal says what its row says."""

import pytest

from chat.errors import ERRORS, Refusal, Repeat, Unavailable

# Section 4 of the protocol, row by row: the HTTP status, and whether repeating helps.
ROWS = {
    "bad_request": (400, Repeat.NEVER),
    "unknown_type": (400, Repeat.NEVER),
    "too_large": (413, Repeat.NEVER),
    "unauthorized": (401, Repeat.CHANGED),
    "token_invalid": (401, Repeat.CHANGED),
    "token_expired": (401, Repeat.CHANGED),
    "user_mismatch": (401, Repeat.CHANGED),
    "forbidden": (403, Repeat.NEVER),
    "not_joined": (409, Repeat.CHANGED),
    "not_found": (404, Repeat.NEVER),
    "gone": (410, Repeat.NEVER),
    "conflict": (409, Repeat.NEVER),
    "limit_exceeded": (409, Repeat.NEVER),
    "rate_limited": (429, Repeat.LATER),
    "unavailable": (503, Repeat.LATER),
    "unsupported": (501, Repeat.NEVER),
    "internal": (500, Repeat.LATER),
}


def test_the_table_is_the_protocols() -> None:
    """Every code of the protocol is there with its status and its verdict, and no other."""
    assert {code: (rule.status, rule.repeat) for code, rule in ERRORS.items()} == ROWS
    assert all(rule.meaning for rule in ERRORS.values())


@pytest.mark.parametrize("code", ROWS)
def test_a_refusal_knows_its_row(code: str) -> None:
    """The rule of a refusal is the row of its code."""
    assert Refusal(code).rule is ERRORS[code]


def test_a_refusal_keeps_what_it_says() -> None:
    """Code, detail, field and the time to wait are as given; what is not given is None."""
    refusal = Refusal("rate_limited", "30 per 60 s", field="text", retry_ms=640)
    assert (refusal.code, refusal.detail) == ("rate_limited", "30 per 60 s")
    assert (refusal.field, refusal.retry_ms) == ("text", 640)
    bare = Refusal("gone")
    assert (bare.detail, bare.field, bare.retry_ms) == (None, None, None)
    assert refusal.args == ("rate_limited", "30 per 60 s")


def test_unavailable_is_a_refusal_to_be_repeated() -> None:
    """It has its own row, and says after how many milliseconds to come back."""
    assert isinstance(Unavailable(), Refusal)
    assert (Unavailable().code, Unavailable().retry_ms) == ("unavailable", 1000)
    assert Unavailable("held too long", retry_ms=250).retry_ms == 250
