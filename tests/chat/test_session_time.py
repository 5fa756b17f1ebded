"""What time brings to a session: floods that end it, silence, and the end of a token."""

import pytest

from chat import closes
from chat.claims import Claims
from chat.errors import Refusal
from chat.frames import Notice, ServerPing
from chat.limits import Limits, Pace
from chat.session import Session, Timing

WALL = 1_760_000_000.0


def greeted() -> Session:
    return Session(Limits(), Pace(), Timing(), now=0)


def claims(life: int = 3600) -> Claims:
    return Claims(sub="ann", exp=int(WALL) + life)


@pytest.fixture
def session() -> Session:
    """A session that signed in at 0, with a token for an hour."""
    session = greeted()
    session.welcome(claims(), 0, WALL)
    return session


def test_the_tenth_malformed_frame_closes(session: Session) -> None:
    """Nine faults in a minute are answered, the tenth ends; those a minute old do not count."""
    assert [session.fault(now) for now in range(9)] == [None] * 9
    assert session.fault(59.75) == closes.PROTOCOL_ERROR
    later = greeted()
    assert [later.fault(now) for now in range(9)] == [None] * 9
    assert later.fault(60) is None


def test_who_goes_on_is_closed(session: Session) -> None:
    """The sixtieth rate_limited answer in a minute closes; other refusals never do."""
    limited, other = Refusal("rate_limited", retry_ms=1), Refusal("forbidden")
    assert [session.refused(other, 0) for _ in range(200)] == [None] * 200
    assert [session.refused(limited, now / 2) for now in range(59)] == [None] * 59
    assert session.refused(limited, 40) == closes.RATE_LIMITED


def test_who_does_not_sign_in_is_closed() -> None:
    """Ten seconds after the greeting, whatever was said meanwhile, but not before."""
    session = greeted()
    session.heard(9)
    assert session.tick(9.75) is None
    assert session.tick(10) == closes.AUTH_TIMEOUT


def test_silence_is_probed_and_then_ends(session: Session) -> None:
    """At four fifths of the idle time one ping is sent; any text message starts it over."""
    assert session.tick(239.75) is None
    assert session.tick(240) == ServerPing()
    assert session.tick(241) is None
    session.heard(250)
    assert session.tick(489.75) is None
    assert session.tick(490) == ServerPing()
    assert session.tick(549.75) is None
    assert session.tick(550) == closes.IDLE_TIMEOUT


def test_an_expiring_token_is_said_once() -> None:
    """A minute before its end the token is said to expire, within 25 s after it that closes."""
    session = greeted()
    session.welcome(claims(life=200), 0, WALL)
    assert session.tick(139.75) is None
    assert session.tick(140) == Notice(code="token_expiring")
    assert session.tick(141) is None
    assert session.tick(209.75) is None
    assert session.tick(210) == closes.TOKEN_EXPIRED


def test_a_refresh_moves_the_end() -> None:
    """A new token is warned of anew, and the old one's end closes nobody."""
    session = greeted()
    session.welcome(claims(life=100), 0, WALL)
    assert session.tick(50) == Notice(code="token_expiring")
    session.welcome(claims(life=220), 60, WALL + 60)
    assert session.tick(150) is None
    assert session.tick(160) == Notice(code="token_expiring")


def test_the_wall_clock_may_jump() -> None:
    """Only at the welcome is the wall clock looked at: life is measured from there."""
    session = greeted()
    session.welcome(claims(life=100), 5, WALL + 40)
    assert session.tick(34.75) is None
    assert session.tick(35) == Notice(code="token_expiring")
    assert session.tick(74) is None
    assert session.tick(75) == closes.TOKEN_EXPIRED


def test_a_short_token_is_said_at_half_its_time() -> None:
    """Of a token for a minute it is said after 30 s, so its successor is not asked for at once."""
    session = greeted()
    session.welcome(claims(life=60), 0, WALL)
    assert session.tick(29.75) is None
    assert session.tick(30) == Notice(code="token_expiring")
    session.welcome(claims(life=90), 30, WALL + 30)
    assert session.tick(59.75) is None
    assert session.tick(60) == Notice(code="token_expiring")


def test_who_publishes_in_vain_is_closed(session: Session) -> None:
    """In a minute 120 frames that nothing else counts are borne, and 59 more."""
    assert [session.in_vain(now / 4) for now in range(179)] == [None] * 179
    assert session.in_vain(50) == closes.RATE_LIMITED
