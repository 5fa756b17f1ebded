"""Every refusal there is: one table of codes for WebSocket and REST."""

from enum import StrEnum
from typing import Final

import msgspec


class Repeat(StrEnum):
    """What a client may do with a refused request."""

    NEVER = "never"
    CHANGED = "after what it lacks: auth, join, a new token"
    LATER = "unchanged, after retry_ms"


class ErrorRule(msgspec.Struct, frozen=True):
    """A row of the table: the HTTP status of a code, and whether to repeat."""

    status: int
    repeat: Repeat
    meaning: str


ERRORS: Final[dict[str, ErrorRule]] = {
    "bad_request": ErrorRule(400, Repeat.NEVER, "malformed; `field` says where"),
    "unknown_type": ErrorRule(400, Repeat.NEVER, "a frame type this server does not know"),
    "too_large": ErrorRule(413, Repeat.NEVER, "over a limit of bytes or characters"),
    "unauthorized": ErrorRule(401, Repeat.CHANGED, "not signed in yet"),
    "token_invalid": ErrorRule(401, Repeat.CHANGED, "the token is not accepted"),
    "token_expired": ErrorRule(401, Repeat.CHANGED, "the token was good once"),
    "user_mismatch": ErrorRule(401, Repeat.CHANGED, "a refresh must keep the same user"),
    "forbidden": ErrorRule(403, Repeat.NEVER, "not permitted, or no such room: the same answer"),
    "not_joined": ErrorRule(409, Repeat.CHANGED, "join the room first"),
    "not_found": ErrorRule(404, Repeat.NEVER, "there is no such thing"),
    "gone": ErrorRule(410, Repeat.NEVER, "it was there, and is trimmed"),
    "conflict": ErrorRule(409, Repeat.NEVER, "this cid was used for other content"),
    "limit_exceeded": ErrorRule(409, Repeat.NEVER, "a bound of this connection is reached"),
    "rate_limited": ErrorRule(429, Repeat.LATER, "too many of these"),
    "unavailable": ErrorRule(503, Repeat.LATER, "outcome unknown; the same cid is safe"),
    "unsupported": ErrorRule(501, Repeat.NEVER, "not offered here"),
    "internal": ErrorRule(500, Repeat.LATER, "our mistake; `detail` is an incident id"),
}


class Refusal(Exception):
    """An answer that says no, by a code of `ERRORS`.

    `detail` is for people and never repeats what the client sent; `field` names the offending
    field; `retry_ms` is there exactly when repeating the same request unchanged makes sense.
    """

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        field: str | None = None,
        retry_ms: int | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.field = field
        self.retry_ms = retry_ms

    @property
    def rule(self) -> ErrorRule:
        """The row of the table for this refusal."""
        return ERRORS[self.code]


class Revoked(Refusal):
    """The token was good, and was taken back before it expired."""

    def __init__(self) -> None:
        super().__init__("token_invalid", "token revoked")


class Unavailable(Refusal):
    """The storage did not answer in time; what became of the request is unknown."""

    def __init__(self, detail: str = "storage not reachable", *, retry_ms: int = 1000) -> None:
        super().__init__("unavailable", detail, retry_ms=retry_ms)
