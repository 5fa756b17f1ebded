"""Any bytes as a token, a payload or a key set: claims, or a refusal by the table."""

import asyncio
from typing import Final

import jwt
import msgspec
from hypothesis import strategies as st

from chat.claims import LEEWAY_S, LIFETIME_S, accept
from chat.errors import Refusal
from server.environment import Secret
from server.jwks import FAMILIES, made_for, read_keys
from server.tokens import JwtTokens, check_purpose, read_payload
from tests.chatting import SECRET, token
from tests.examples import hold, often

REFUSED: Final = {"token_invalid", "token_expired"}
NOW: Final = 1_760_000_000
GOOD: Final = {"sub": "ann", "aud": "chat", "iat": NOW, "exp": NOW + 60, "rooms": {"*": "rw"}}
VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
CLAIMS: Final = st.dictionaries(
    st.sampled_from([*GOOD, "nbf", "iss", "jti", "scope", "name"]), VALUES, max_size=3
).map(lambda changed: GOOD | changed)
KEYS: Final = st.dictionaries(
    st.sampled_from(["kid", "kty", "use", "alg", "n", "e", "x", "y", "crv", "k"]),
    VALUES | st.sampled_from(["RSA", "EC", "OKP", "oct", "sig", "P-256", "Ed25519", "AQAB", "a"]),
)


@often(4_000)
def test_tokens(examples: int) -> None:
    """A good token with bytes changed is refused; nothing else is raised than a refusal."""
    tokens = JwtTokens(Secret(SECRET), None, ("HS256",), "chat", "")
    good = token("ann")
    spoilt = st.builds(
        lambda at, cut, put: good[:at] + put + good[at + cut :],
        *(st.integers(0, len(good)), st.integers(0, 4), st.text(max_size=4)),
    )

    with asyncio.Runner() as runner:

        def fact(made_up: str) -> None:
            try:
                claims = runner.run(tokens.verify(made_up))
            except Refusal as refusal:
                assert refusal.code in REFUSED  # noqa: PT017 - each example has its own outcome
            else:
                assert claims.sub == "ann"

        hold(examples, fact, spoilt | st.text(max_size=60))


@often(5_000)
def test_payloads(examples: int) -> None:
    """Claims of any types are accepted with a bounded life, or refused by the table."""

    def fact(payload: bytes) -> None:
        try:
            claims = read_payload(payload)
            check_purpose(claims, "chat", "")
            accepted = accept(claims, NOW)
        except Refusal as refusal:
            assert refusal.code in REFUSED  # noqa: PT017 - each example has its own outcome
        else:
            assert accepted.exp <= NOW + LIFETIME_S + 2 * LEEWAY_S
            assert accepted.sub
            assert "\n" not in accepted.sub + (accepted.name or "")

    encoded = CLAIMS.map(msgspec.json.encode)
    hold(examples, fact, encoded | st.binary(max_size=60) | st.just(b"[" * 100_000))


@often(5_000)
def test_key_sets(examples: int) -> None:
    """Of any body come public signature keys, or a `ValueError`; no secret is taken for a key."""

    def fact(body: bytes) -> None:
        try:
            keys = read_keys(body)
        except ValueError:
            return
        for kid, key in keys.items():
            assert isinstance(kid, str)
            assert key["kty"] in FAMILIES.values()
            for algorithm in ("RS256", "ES256", "EdDSA"):
                found = made_for(key, algorithm)
                assert found is None or isinstance(found, jwt.PyJWK)

    sets = st.lists(KEYS, max_size=4).map(lambda keys: msgspec.json.encode({"keys": keys}))
    hold(examples, fact, sets | VALUES.map(msgspec.json.encode) | st.binary(max_size=60))
