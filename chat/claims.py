"""What a token says: who someone is, until when, and what they may do in which room."""

from math import isfinite
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from chat.errors import Refusal
from chat.names import END, NAME_LENGTH, DisplayName, UserId, dm_users
from chat.text import sanitise

LIFETIME_S: Final = 24 * 3600
LEEWAY_S: Final = 10  # clocks of two hosts without trouble differ by less
_LATEST: Final = 2**40  # the year 36812; keeps arithmetic on `exp` small

Letters = Annotated[str, Meta(pattern=r"^[rwm]{0,3}" + END, description="`r`, `w`, `m`")]
Pattern = Annotated[
    str,
    Meta(
        pattern=r"^([A-Za-z0-9][A-Za-z0-9_.:@-]{0,63}|([A-Za-z0-9][A-Za-z0-9_.:@-]{0,62})?\*)" + END
    ),
]
Seconds = Annotated[int, Meta(ge=0, le=_LATEST)]

PUBLISH_AS: Final = "chat.publish"
ADMIN: Final = "chat.admin"


class Claims(msgspec.Struct, frozen=True):
    """The claims of an accepted token; `exp` and `iat` in epoch seconds."""

    sub: UserId
    exp: Seconds
    iat: Seconds | None = None
    name: DisplayName | None = None
    rooms: dict[Pattern, Letters] = {}
    scope: Annotated[str, Meta(max_length=256)] = ""
    jti: Annotated[str, Meta(min_length=1, max_length=64)] | None = None

    def letters(self, room: str) -> str:
        """Return the permissions in a room, a part of `rwm`; empty is no access.

        An exact name beats a pattern, among patterns the longest literal prefix wins. `dm:` rooms
        are `rw` for their two users and closed to everyone else, whatever the patterns say.
        """
        pair = dm_users(room)
        if pair is not None:
            return "rw" if self.sub in pair else ""
        exact = self.rooms.get(room)
        if exact is not None:
            return exact
        best = ""
        for pattern in self.rooms:
            if pattern[-1] == "*" and len(pattern) > len(best) and room.startswith(pattern[:-1]):
                best = pattern
        return self.rooms.get(best, "")

    def has_scope(self, scope: str) -> bool:
        """Tell whether the space-separated `scope` claim holds this one (RFC 8693 §4.2)."""
        return scope in self.scope.split()

    def require(self, room: str, letter: str, *, or_scope: str | None = None) -> None:
        """Raise `forbidden` unless `letter` is permitted in the room, or a scope permits it in all.

        The text is the same for a room that does not exist: nobody learns which ones do.
        """
        permitted = letter in self.letters(room)
        if not permitted and (or_scope is None or not self.has_scope(or_scope)):
            raise Refusal("forbidden", "no access to this room")

    def require_scope(self, scope: str) -> None:
        """Raise `forbidden` unless the token carries the scope."""
        if not self.has_scope(scope):
            raise Refusal("forbidden", f"scope {scope} required")


def accept(payload: object, now: float) -> Claims:
    """Return the claims of a verified payload, or raise `token_invalid` or `token_expired`.

    The signature is checked before; here is what JWT libraries are lax about: types, an empty or
    outlandish `sub`, an `exp` in the far future. `now` is epoch seconds.
    """
    try:
        claims = msgspec.convert(_in_whole_seconds(payload), Claims)
    except msgspec.ValidationError:
        raise Refusal("token_invalid", "claims malformed") from None
    if claims.exp + LEEWAY_S < now:
        raise Refusal("token_expired", "token expired")
    issued = now if claims.iat is None else claims.iat
    if issued > now + LEEWAY_S or claims.exp - issued > LIFETIME_S + LEEWAY_S:
        raise Refusal("token_invalid", "lifetime over 24 h, or issued in the future")
    return _with_clean_name(claims)


def _in_whole_seconds(payload: Any) -> Any:
    """Return the payload with its times cut to seconds: RFC 7519 §2 lets them have fractions."""
    if not isinstance(payload, dict):
        return payload
    times = {name: payload.get(name) for name in ("exp", "iat")}
    cut = {name: int(at) for name, at in times.items() if isinstance(at, float) and isfinite(at)}
    return payload | cut


def _with_clean_name(claims: Claims) -> Claims:
    """Return the claims with a name by the text rule: a name is shown beside everyone's.

    Normalising may lengthen it, U+FB2C to three times as much.
    """
    if claims.name is None:
        return claims
    clean = sanitise(claims.name).replace("\n", " ")[:NAME_LENGTH].rstrip()
    return msgspec.structs.replace(claims, name=clean or None)
