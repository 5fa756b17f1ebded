"""Claims: who may do what in which room, and which payloads are claims at all."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.claims import ADMIN, LEEWAY_S, LIFETIME_S, PUBLISH_AS, Claims, accept
from chat.errors import Refusal
from chat.names import NAME_LENGTH

NOW = 1_760_000_000
PAYLOAD: dict[str, Any] = {"sub": "u42", "exp": NOW + 3600, "iat": NOW}


def claims(rooms: dict[str, str], sub: str = "ann", scope: str = "") -> Claims:
    return Claims(sub=sub, exp=NOW + 3600, rooms=rooms, scope=scope)


@pytest.mark.parametrize(
    ("room", "letters"),
    [
        ("general", "rw"),
        ("generals", ""),
        ("general.x", ""),
        ("team.1", "r"),
        ("team.", "r"),
        ("team", ""),
        ("team.7", "rwm"),
        ("team.77", "r"),
        ("team.x.y", "w"),
        ("team.x", "r"),
        ("closed", ""),
        ("Team.1", ""),
    ],
)
def test_precedence(room: str, letters: str) -> None:
    """An exact name beats a pattern, the longest prefix wins, no match is no access."""
    rooms = {"general": "rw", "team.*": "r", "team.7": "rwm", "team.x.*": "w", "closed": ""}
    assert claims(rooms).letters(room) == letters


def test_no_letters_close_what_a_pattern_opens() -> None:
    """An exact or longer entry without letters takes away what a wider pattern gives."""
    mine = claims({"*": "rwm", "staff.*": "", "staff.lounge": "r", "vault": ""})
    assert mine.letters("anything") == "rwm"
    assert mine.letters("staff.board") == mine.letters("vault") == ""
    assert mine.letters("staff.lounge") == "r"


NAMES = st.text("ab.", min_size=1, max_size=5).filter(lambda name: name[0] != ".")
ENTRIES = NAMES | NAMES.map(lambda name: f"{name}*") | st.just("*")


@given(rooms=st.dictionaries(ENTRIES, st.sampled_from(["", "r", "rw", "m"])), room=NAMES)
def test_precedence_against_a_model(rooms: dict[str, str], room: str) -> None:
    """Of all entries that match, the exact one or else the one with most literal letters rules."""
    candidates = sorted(
        (entry == room, len(entry), letters)
        for entry, letters in rooms.items()
        if entry == room or (entry.endswith("*") and room.startswith(entry[:-1]))
    )
    assert claims(rooms).letters(room) == (candidates[-1][2] if candidates else "")


@pytest.mark.parametrize(
    ("sub", "room", "letters"),
    [
        ("ann", "dm:ann:bo", "rw"),
        ("bo", "dm:ann:bo", "rw"),
        ("cy", "dm:ann:bo", ""),
        ("an", "dm:ann:bo", ""),
        ("dm", "dm:ann:bo", ""),
        ("ann", "dm:ann", ""),
        ("ann", "dm:ann:bo:cy", ""),
        ("ann", "dm:", ""),
    ],
)
def test_direct_rooms_belong_to_two(sub: str, room: str, letters: str) -> None:
    """Only the two named users are in a direct room; no claim, exact or pattern, lets others in."""
    grants = {"*": "rwm", "dm:*": "rwm", room: "rwm"}
    assert claims(grants, sub).letters(room) == letters
    assert claims({}, sub).letters(room) == letters


def test_forbidden_is_the_same_for_a_room_that_is_not_there() -> None:
    """The refusal tells nothing about the room, whatever its name."""
    refusals = set()
    for room in ("general", "nowhere", "dm:a:b"):
        with pytest.raises(Refusal) as refusal:
            claims({"general": "r"}).require(room, "w")
        refusals.add((refusal.value.code, refusal.value.detail))
    assert refusals == {("forbidden", "no access to this room")}
    claims({"general": "r"}).require("general", "r")


def test_scopes_are_whole_words() -> None:
    """A scope is one of the space-separated words, never a part of one."""
    mine = claims({}, scope="chat.publish  chat.administrator")
    assert mine.has_scope(PUBLISH_AS)
    assert not mine.has_scope(ADMIN)
    assert not claims({}).has_scope("")
    mine.require_scope(PUBLISH_AS)
    with pytest.raises(Refusal, match="forbidden"):
        mine.require_scope(ADMIN)


def test_a_good_payload_is_taken_whole() -> None:
    """Every claim that is known is kept, every other ignored."""
    more = {"name": "Ann", "rooms": {"general": "rw", "*": ""}, "scope": "chat.admin", "jti": "j"}
    got = accept({**PAYLOAD, **more, "iss": "x", "aud": ["chat"], "nbf": 0}, NOW)
    assert (got.sub, got.exp, got.iat, got.name) == ("u42", NOW + 3600, NOW, "Ann")
    assert (got.rooms, got.scope, got.jti) == ({"general": "rw", "*": ""}, "chat.admin", "j")


def test_times_may_have_fractions() -> None:
    """Seconds with a fraction, as Python's and JavaScript's clocks give them, are cut."""
    got = accept({"sub": "u42", "exp": NOW + 3600.9, "iat": NOW + 0.9}, NOW)
    assert (got.exp, got.iat) == (NOW + 3600, NOW)
    assert isinstance(got.exp, int)


MALFORMED: dict[str, Any] = {
    "sub empty": {"sub": ""},
    "sub long": {"sub": "x" * 65},
    "sub huge": {"sub": "x" * 10_240},
    "sub newline": {"sub": "u42\n"},
    "sub colon": {"sub": "a:b"},
    "sub number": {"sub": 42},
    "sub missing": {"sub": None},
    "exp missing": {"exp": None},
    "exp text": {"exp": "1760003600"},
    "exp true": {"exp": True},
    "exp huge": {"exp": 2**63},
    "exp beyond": {"exp": 2**70},
    "exp negative": {"exp": -1},
    "exp infinite": {"exp": float("inf")},
    "exp beyond, with a fraction": {"exp": 1e300},
    "iat no number": {"iat": float("nan")},
    "iat text": {"iat": "now"},
    "name long": {"name": "x" * 65},
    "rooms list": {"rooms": ["general"]},
    "rooms letters": {"rooms": {"general": "rwx"}},
    "rooms many letters": {"rooms": {"general": "rwrw"}},
    "rooms newline": {"rooms": {"general": "rw\n"}},
    "rooms star amid": {"rooms": {"a*b": "r"}},
    "rooms two stars": {"rooms": {"a**": "r"}},
    "rooms empty name": {"rooms": {"": "r"}},
    "rooms number": {"rooms": {"general": 4}},
    "scope list": {"scope": ["chat.admin"]},
    "scope huge": {"scope": "x" * 257},
    "jti empty": {"jti": ""},
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_malformed_claims_are_invalid(change: dict[str, Any]) -> None:
    """What a JWT library lets through and is no claim of ours is `token_invalid`."""
    with pytest.raises(Refusal, match="token_invalid"):
        accept({**PAYLOAD, **change}, NOW)


@pytest.mark.parametrize("payload", [None, [], "x", 1, {}, {"sub": "u42"}, {"exp": NOW}])
def test_what_is_no_claims_object_is_invalid(payload: object) -> None:
    """Anything but an object with `sub` and `exp` is `token_invalid`."""
    with pytest.raises(Refusal, match="token_invalid"):
        accept(payload, NOW)


@pytest.mark.parametrize(
    ("exp", "iat", "verdict"),
    [
        (NOW - LEEWAY_S, NOW - 60, None),
        (NOW - LEEWAY_S - 1, NOW - 60, "token_expired"),
        (NOW + 60, NOW + LEEWAY_S, None),
        (NOW + 60, NOW + LEEWAY_S + 1, "token_invalid"),
        (NOW + LIFETIME_S + LEEWAY_S, NOW, None),
        (NOW + LIFETIME_S + LEEWAY_S + 1, NOW, "token_invalid"),
        (NOW + LIFETIME_S, None, None),
        (NOW + LIFETIME_S + LEEWAY_S + 1, None, "token_invalid"),
        (NOW - 3 * LIFETIME_S, NOW - 4 * LIFETIME_S, "token_expired"),
    ],
)
def test_time_of_a_token(exp: int, iat: int | None, verdict: str | None) -> None:
    """Ten seconds of leeway on either side, at most 24 h of life, nothing issued in the future."""
    payload = {"sub": "u42", "exp": exp, "iat": iat}
    if verdict is None:
        assert accept(payload, NOW).exp == exp
        return
    with pytest.raises(Refusal, match=verdict):
        accept(payload, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


def verdict(payload: object) -> str | None:
    try:
        accept(payload, NOW)
    except Refusal as refusal:
        return refusal.code
    return None


@given(st.dictionaries(st.sampled_from(["sub", "exp", "iat", "name", "rooms", "scope"]), JSON))
def test_any_payload_is_accepted_or_refused(payload: object) -> None:
    """No payload of any shape does anything but give claims or a refusal of the token."""
    assert verdict(payload) in {None, "token_invalid", "token_expired"}


def test_a_name_follows_the_text_rule() -> None:
    """A signed name that overrides the direction of writing or breaks lines is cleaned."""
    payload = {"sub": "u", "exp": 100, "iat": 0, "name": "A\u202enn\na"}
    assert accept(payload, 50).name == "Ann a"


def test_a_name_is_cut_after_it_is_normalised() -> None:
    """A name that normalising makes longer than 64 is cut to that, as other nodes expect."""
    name = accept(PAYLOAD | {"name": "\ufb2c" * 64}, NOW).name
    assert name is not None
    assert len(name) == NAME_LENGTH
