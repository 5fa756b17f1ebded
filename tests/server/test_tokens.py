"""Tokens: what is accepted, and that everything a library is lax about is refused."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from chat.errors import Refusal
from server.environment import Secret
from server.tokens import JwtTokens, mint

KEY = Secret("0123456789abcdef-0123456789abcdef-x")
TOKENS = JwtTokens(KEY, None, ["HS256"], "chat", "")
NOW = int(time.time())

GOOD: dict[str, Any] = {"aud": "chat", "sub": "u42", "exp": NOW + 600, "iat": NOW, "rooms": {}}


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def signed(payload: bytes, header: dict[str, Any] | None = None, key: str = KEY.reveal()) -> str:
    head = encoded(json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode())
    body = f"{head}.{encoded(payload)}"
    signature = hmac.new(key.encode(), body.encode(), hashlib.sha256).digest()
    return f"{body}.{encoded(signature)}"


def token(**changes: Any) -> str:
    claims = {**GOOD, **changes}
    return signed(json.dumps({k: v for k, v in claims.items() if v is not None}).encode())


async def refusal_of(text: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await TOKENS.verify(text)
    return caught.value


async def test_minted_token_is_accepted() -> None:
    """A token minted here is accepted here, with the claims it was minted with."""
    text = mint(KEY, "ann", {"general": "rw"}, audience="chat", name="Ann", scope="chat.admin")
    claims = await TOKENS.verify(text)
    assert (claims.sub, claims.name, claims.letters("general")) == ("ann", "Ann", "rw")
    assert claims.has_scope("chat.admin")


@pytest.mark.parametrize("user", ["", "a b", "x" * 65, "a\n"])
def test_unacceptable_user_is_not_minted(user: str) -> None:
    """A token that would be refused is not minted."""
    with pytest.raises(Refusal):
        mint(KEY, user, {}, audience="chat")


def test_a_life_too_long_is_not_minted() -> None:
    """A day is the longest life of a token."""
    with pytest.raises(Refusal, match="token_invalid"):
        mint(KEY, "ann", {}, audience="chat", lifetime_s=90_000)


async def test_expired() -> None:
    """A token past its expiry and the leeway is expired, not invalid; within the leeway good."""
    now = int(time.time())
    assert (await refusal_of(token(exp=now - 60))).code == "token_expired"
    await TOKENS.verify(token(exp=now - 5))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"},
        {"aud": None},
        {"aud": ["other"]},
        {"sub": ""},
        {"sub": "a\n"},
        {"sub": "x" * 10_240},
        {"sub": None},
        {"sub": 7},
        {"exp": None},
        {"exp": 2**63},
        {"exp": "tomorrow"},
        {"exp": NOW + 48 * 3600},
        {"iat": NOW + 3600, "exp": NOW + 7200},
        {"nbf": NOW + 3600},
        {"nbf": "soon"},
        {"rooms": {"general": "rwx"}},
        {"rooms": {"a*b": "r"}},
        {"rooms": ["general"]},
        {"scope": ["chat.admin"]},
        {"name": "x" * 65},
    ],
)
async def test_bad_claims(changes: dict[str, Any]) -> None:
    """A well-signed token with wrong claims is invalid."""
    assert (await refusal_of(token(**changes))).code == "token_invalid"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a.b.c",
        signed(json.dumps(GOOD).encode(), key="another-key-another-key-another-key"),
        signed(json.dumps(GOOD).encode(), {"alg": "none"}),
        signed(json.dumps(GOOD).encode(), {"alg": "HS512"}),
        encoded(b'{"alg":"none"}') + "." + encoded(json.dumps(GOOD).encode()) + ".",
        signed(b"[]"),
        signed(b"not json"),
        signed(b'{"aud":"chat","sub":"u42","sub":"root","exp":%d}' % (NOW + 60)),
        signed(b'{"aud":"chat","sub":"u42","exp":NaN}'),
        signed(b"[" * 5000),
        "ü.ü.ü",
    ],
)
async def test_bad_token(text: str) -> None:
    """What is no token of ours is invalid, whatever is wrong with it."""
    refusal = await refusal_of(text)
    assert refusal.code == "token_invalid"
    assert not text or text not in str(refusal)
