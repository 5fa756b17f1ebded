"""Revocations: what they cover, and that they are bounded and forgotten in time."""

import pytest

from chat import revocations
from chat.claims import Claims
from chat.errors import Refusal
from chat.revocations import Revocation, Revocations


def of(sub: str = "ann", iat: int | None = 100, jti: str | None = None) -> Claims:
    return Claims(sub=sub, exp=3_600, iat=iat, jti=jti)


@pytest.mark.parametrize(
    ("claims", "covered"),
    [
        (of(iat=99), True),
        (of(iat=100), True),
        (of(iat=101), False),
        (of(iat=None), True),
        (of("bo"), False),
        (of("bo", jti="t1"), True),
        (of("bo", jti="ann"), False),
    ],
)
def test_what_is_covered(claims: Claims, *, covered: bool) -> None:
    """A user's tokens up to a moment, and a token by its id; no id is taken for a user."""
    revoked = Revocations()
    revoked.add(Revocation(at=100, user="ann"), 100)
    revoked.add(Revocation(at=100, jti="t1"), 100)
    assert revoked.covers(claims, 100) is covered


def test_it_ends_with_the_last_token_that_it_covered() -> None:
    """Of a token without `iat` nobody knows when it was issued; it is new once all old are over."""
    revoked = Revocations()
    orders = Revocation(at=100, user="ann"), Revocation(at=100, jti="t1")
    for order in orders:
        revoked.add(order, 100)
    until = orders[0].until
    for claims in (of(iat=None), of("bo", jti="t1")):
        assert [revoked.covers(claims, now) for now in (until - 1, until)] == [True, False]


def test_the_later_holds() -> None:
    """An order that comes twice, or late, takes nothing back."""
    revoked = Revocations()
    for at in (200, 100):
        revoked.add(Revocation(at=at, user="ann"), 200)
    assert revoked.covers(of(iat=150), 200)


def test_they_are_bounded_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is refused, until those that matter no more make room."""
    monkeypatch.setattr(revocations, "BOUND", 2)
    revoked = Revocations()
    for name in ("a", "b"):
        revoked.add(Revocation(at=100, jti=name), 100)
    late = Revocation(at=100, jti="a").until
    with pytest.raises(Refusal):
        revoked.require_room(late - 1)
    revoked.require_room(late)
    revoked.add(Revocation(at=late, jti="c"), late)
    assert (len(revoked), revoked.covers(of(jti="c"), late)) == (1, True)


def test_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should there be more than may be, the first makes room: memory is bounded all the same."""
    monkeypatch.setattr(revocations, "BOUND", 2)
    revoked = Revocations()
    for name in ("a", "b", "c"):
        assert revoked.add(Revocation(at=100, jti=name), 100)
    assert [revoked.covers(of(jti=name), 100) for name in ("a", "b", "c")] == [False, True, True]


def test_news_is_told_from_what_is_known() -> None:
    """What is repeated, older or over is no news: nobody is looked for because of it."""
    revoked, order = Revocations(), Revocation(at=100, user="ann")
    assert [revoked.add(order, 100), revoked.add(order, 100)] == [True, False]
    assert not revoked.add(Revocation(at=99, user="ann"), 100)
    assert not revoked.add(Revocation(at=100, jti="t1"), Revocation(at=100, jti="t1").until)
