"""Tokens: the signature by PyJWT, the payload by our own strict reading."""

import json
import time
from collections.abc import Sequence
from typing import Any, Final

import jwt
import msgspec

from chat.claims import LEEWAY_S, Claims, accept
from chat.errors import Refusal
from chat.names import UserId
from server.environment import Secret
from server.settings import Settings

DEV_LIFETIME_S: Final = 12 * 3600


class HmacTokens:
    """Verifies tokens signed with a shared key; the header's own idea of a key is not looked at."""

    def __init__(
        self, secret: Secret, algorithms: Sequence[str], audience: str, issuer: str
    ) -> None:
        self._secret = secret
        self._algorithms = list(algorithms)
        self._audience = audience
        self._issuer = issuer
        self._jws = jwt.PyJWS()

    async def verify(self, token: str) -> Claims:
        """Return the claims, or raise `token_invalid` or `token_expired`."""
        try:
            key = self._secret.reveal().encode()
            payload = self._jws.decode(token, key, algorithms=self._algorithms)
        except (jwt.InvalidTokenError, ValueError):
            raise Refusal("token_invalid", "signature not accepted") from None
        claims = read_payload(payload)
        check_purpose(claims, self._audience, self._issuer)
        return accept(claims, time.time())


def read_payload(payload: bytes) -> dict[str, Any]:
    """Return the claims set; duplicates, NaN and what is no object are refused (RFC 7519 §4)."""
    try:
        claims = json.loads(payload, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal("token_invalid", "payload malformed") from None
    if not isinstance(claims, dict):
        raise Refusal("token_invalid", "payload malformed")
    return claims


def check_purpose(claims: dict[str, Any], audience: str, issuer: str) -> None:
    """Raise unless the token was made for us, by whom we trust, and is valid already."""
    meant_for = claims.get("aud")
    if audience not in (meant_for if isinstance(meant_for, list) else [meant_for]):
        raise Refusal("token_invalid", "aud not accepted")
    if issuer and claims.get("iss") != issuer:
        raise Refusal("token_invalid", "iss not accepted")
    begins = claims.get("nbf", 0)
    if not isinstance(begins, (int, float)) or begins > time.time() + LEEWAY_S:
        raise Refusal("token_invalid", "not valid yet")


def mint(
    secret: Secret,
    user: str,
    rooms: dict[str, str],
    *,
    audience: str,
    issuer: str = "",
    name: str | None = None,
    scope: str = "",
    lifetime_s: int = DEV_LIFETIME_S,
) -> str:
    """Return a token for development; raises `ValidationError` for claims that would be refused."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "aud": audience,
        "sub": msgspec.convert(user, UserId),
        "iat": now,
        "exp": now + lifetime_s,
        "rooms": rooms,
    }
    optional = {"iss": issuer, "name": name, "scope": scope}
    claims.update({key: value for key, value in optional.items() if value})
    msgspec.convert(claims, Claims)
    return jwt.encode(claims, secret.reveal(), algorithm="HS256")


def mint_for_developer(settings: Settings, user: str) -> str:
    """Return a token that opens everything, for a server that keeps nothing."""
    return mint(
        settings.jwt_secret,
        user,
        {"*": "rwm"},
        audience=settings.jwt_audience,
        issuer=settings.jwt_issuer,
        name=user.capitalize(),
        scope="chat.publish chat.admin",
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    claims = dict(pairs)
    if len(claims) != len(pairs):
        raise ValueError("duplicate claim")
    return claims


def _no_constant(_: str) -> None:
    raise ValueError("not JSON")
