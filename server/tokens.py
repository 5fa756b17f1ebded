"""Tokens: the signature by PyJWT, the payload by our own strict reading."""

import json
import time
from collections.abc import Sequence
from typing import Any, Final

import jwt
from jwt.utils import base64url_decode

from chat.claims import LEEWAY_S, Claims, accept
from chat.errors import Refusal
from server.environment import Secret
from server.jwks import Jwks
from server.settings import Settings

DEV_LIFETIME_S: Final = 12 * 3600


class JwtTokens:
    """Verifies tokens: HS* by the shared secret, everything else by the key set.

    Each key serves one family of algorithms, so a public key is never taken for a secret.
    """

    def __init__(
        self,
        secret: Secret,
        keys: Jwks | None,
        algorithms: Sequence[str],
        audience: str,
        issuer: str,
    ) -> None:
        self._secret = secret
        self._keys = keys
        self._algorithms = frozenset(algorithms)
        self._audience = audience
        self._issuer = issuer
        self._jws = jwt.PyJWS()

    async def verify(self, token: str) -> Claims:
        """Return the claims, or raise `token_invalid` or `token_expired`.

        `unavailable` when the key set could never be fetched.
        """
        try:
            algorithm, kid = self._header(token)
            key = await self._key(algorithm, kid)
            payload = self._jws.decode(token, key, algorithms=[algorithm])
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise Refusal("token_invalid", "signature not accepted") from None
        claims = read_payload(payload)
        check_purpose(claims, self._audience, self._issuer)
        return accept(claims, time.time())

    def _header(self, token: str) -> tuple[str, str]:
        """Return by which key to verify; PyJWT reads all of the token anew, and strictly."""
        header = json.loads(base64url_decode(token.partition(".")[0]))
        if not isinstance(header, dict):
            raise jwt.DecodeError
        algorithm, kid = header.get("alg"), header.get("kid", "")
        if algorithm not in self._algorithms or not isinstance(kid, str):
            raise jwt.InvalidAlgorithmError
        return algorithm, kid

    async def _key(self, algorithm: str, kid: str) -> bytes | jwt.PyJWK:
        if algorithm.startswith("HS"):
            return self._secret.reveal().encode()
        key = None if self._keys is None else await self._keys.find(kid, algorithm)
        if key is None:
            raise jwt.InvalidKeyError
        return key


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


def mint(  # noqa: PLR0913 - each is a claim, or how it is signed
    secret: Secret,
    user: str,
    rooms: dict[str, str],
    *,
    audience: str,
    algorithm: str = "HS256",
    issuer: str = "",
    name: str | None = None,
    scope: str = "",
    lifetime_s: int = DEV_LIFETIME_S,
) -> str:
    """Return a token for development; a `Refusal` of claims that would be refused."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "aud": audience,
        "sub": user,
        "iat": now,
        "exp": now + lifetime_s,
        "rooms": rooms,
    }
    optional = {"iss": issuer, "name": name, "scope": scope}
    claims.update({key: value for key, value in optional.items() if value})
    accept(claims, now)
    return jwt.encode(claims, secret.reveal(), algorithm=algorithm)


def mint_for_developer(settings: Settings, user: str) -> str:
    """Return a token that opens everything, for a server that keeps nothing."""
    return mint(
        settings.jwt_secret,
        user,
        {"*": "rwm"},
        audience=settings.jwt_audience,
        algorithm=settings.shared_algorithm,
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
