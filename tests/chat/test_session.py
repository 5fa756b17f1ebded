"""One connection's rules: what is allowed when, how often, and what time alone brings."""

from typing import Any

import pytest

from chat.claims import Claims
from chat.commands import AnyCommand, Auth, Join, Leave, Ping, Pong, Publish, Typing
from chat.errors import Refusal
from chat.frames import Notice
from chat.limits import Limits, Pace
from chat.session import ALLOWED, Session, Stage, Timing

WALL = 1_760_000_000.0
ROOMS = {"*": "rw", "silent": "r", "closed": ""}
EACH: list[AnyCommand] = [
    Auth(token="t"),
    Join(room="den"),
    Leave(room="den"),
    Publish(room="den", text="x"),
    Typing(room="den", on=True),
    Ping(),
    Pong(),
]


def claims(sub: str = "ann", life: int = 3600) -> Claims:
    return Claims(sub=sub, exp=int(WALL) + life, rooms=ROOMS)


def greeted(**limits: Any) -> Session:
    return Session(Limits(**limits), Pace(), Timing(), now=0)


@pytest.fixture
def session() -> Session:
    """A session that signed in at 0, with a token for an hour."""
    session = greeted()
    session.welcome(claims(), 0, WALL)
    return session


def refusal(session: Session, command: AnyCommand, now: float = 0) -> Refusal | None:
    try:
        session.admit(command, now)
    except Refusal as refusal:
        return refusal
    return None


def code(session: Session, command: AnyCommand, now: float = 0) -> str | None:
    found = refusal(session, command, now)
    return None if found is None else found.code


def test_the_state_table_is_the_protocols() -> None:
    """Before `welcome` one may sign in, ping and pong; afterwards everything."""
    assert ALLOWED[Stage.GREETED] == {Auth, Ping, Pong}
    assert ALLOWED[Stage.WELCOMED] == {type(command) for command in EACH}
    assert set(ALLOWED) == set(Stage)


@pytest.mark.parametrize("command", EACH, ids=lambda command: type(command).__name__)
def test_before_and_after_welcome(command: AnyCommand) -> None:
    """What the table leaves out before `welcome` is unauthorized, and allowed after it."""
    session = greeted()
    early = type(command) in {Auth, Ping, Pong}
    assert code(session, command) == (None if early else "unauthorized")
    session.welcome(claims(), 0, WALL)
    assert code(session, command) is None


def test_claims_are_there_after_welcome_only() -> None:
    """Asking for the claims of one who has not signed in is refused."""
    session = greeted()
    with pytest.raises(Refusal, match="unauthorized"):
        _ = session.signed_in
    session.welcome(claims(), 0, WALL)
    assert session.signed_in == claims()


def test_a_refresh_keeps_the_user(session: Session) -> None:
    """A token of somebody else is refused and changes nothing; one of the same user is taken."""
    with pytest.raises(Refusal, match="user_mismatch"):
        session.welcome(claims("bo", life=9999), 100, WALL + 100)
    assert session.signed_in == claims()
    session.heard(3500)
    assert session.tick(3540) == Notice(code="token_expiring")
    session.welcome(claims(life=7200), 3541, WALL + 3541)
    assert session.signed_in == claims(life=7200)


@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("command", [Ping(), Publish(room="den"), Leave(room="den")])
def test_frames_are_limited(command: AnyCommand, *, signed_in: bool) -> None:
    """Of any frames but allowed publishes, 120 pass in a minute; then it is said when to come."""
    session = greeted()
    if signed_in:
        session.welcome(claims(), 0, WALL)
    answers = [refusal(session, command, now / 8) for now in range(121)]
    limited = [answer is not None and answer.code == "rate_limited" for answer in answers]
    if signed_in and isinstance(command, Publish):
        assert not any(limited)
        return
    assert limited == [False] * 120 + [True]
    last = answers[-1]
    assert last is not None
    assert last.retry_ms is not None
    assert 45_000 <= last.retry_ms <= 45_001
    assert (
        code(session, command, 15 + last.retry_ms / 1000) == code(greeted(), command) or signed_in
    )


def test_joins_need_permission_and_a_place(session: Session) -> None:
    """A join needs `r`, at most 100 events of history, and room among the 50; a rejoin has one."""
    assert code(session, Join(room="closed")) == "forbidden"
    assert code(session, Join(room="dm:bo:cy")) == "forbidden"
    assert code(session, Join(room="silent")) is None
    session.rooms.update(f"r{n}" for n in range(50))
    assert code(session, Join(room="r51")) == "limit_exceeded"
    assert code(session, Join(room="r7")) is None
    session.forget("r7")
    assert code(session, Join(room="r51")) is None


def test_history_may_be_configured_shorter() -> None:
    """A join that asks for more than this server's limit is told so, in the field."""
    session = greeted(history=10)
    session.welcome(claims(), 0, WALL)
    found = refusal(session, Join(room="den", history=11))
    assert found is not None
    assert (found.code, found.field) == ("bad_request", "history")
    assert code(session, Join(room="den", history=10)) is None


def typing(session: Session, room: str, now: float, *, on: bool = True) -> str | None:
    try:
        session.admit_typing(Typing(room=room, on=on), now)
    except Refusal as found:
        return found.code
    return None


def test_typing_needs_the_room_and_permission(session: Session) -> None:
    """Typing needs a joined room and `w`, which joining alone does not give."""
    assert typing(session, "den", 0) == "not_joined"
    session.rooms.update({"den", "silent"})
    assert typing(session, "den", 0) is None
    assert typing(session, "silent", 0) == "forbidden"


def test_typing_is_slow_and_falling_silent_is_not(session: Session) -> None:
    """One signal per room in two seconds; the end of typing is told at any time."""
    session.rooms.update({"den", "hall"})
    assert typing(session, "den", 0) is None
    assert typing(session, "hall", 0) is None
    assert typing(session, "den", 1.75) == "rate_limited"
    assert typing(session, "den", 1.75, on=False) is None
    assert typing(session, "den", 3.5) == "rate_limited"
    assert typing(session, "den", 3.75) is None
    session.forget("den")
    session.rooms.add("den")
    assert typing(session, "den", 3.75) is None
