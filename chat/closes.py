"""Every way in which the server ends a connection; the range of a code is its verdict."""

from typing import Final

import msgspec

REASON_BYTES: Final = 123  # RFC 6455 §5.5: a control frame carries 125 bytes, two are the code


class Close(msgspec.Struct, frozen=True):
    """A close code and its name.

    40xx: the client stays away. 41xx: it fetches a fresh token once, then reconnects. 42xx: it
    backs off. 43xx and 1012: it reconnects and resumes.
    """

    code: int
    name: str

    def reason(self, retry_ms: int | None = None) -> str:
        """Return `name[ retry=<ms>]`, at most 123 bytes."""
        return self.name if retry_ms is None else f"{self.name} retry={retry_ms}"


BINARY: Final = Close(1003, "text_only")
NOT_UTF8: Final = Close(1007, "not_utf8")
TOO_BIG: Final = Close(1009, "too_big")
RESTART: Final = Close(1012, "restart")

PROTOCOL_ERROR: Final = Close(4000, "protocol_error")
UNSUPPORTED_VERSION: Final = Close(4001, "unsupported_version")
FORBIDDEN: Final = Close(4003, "forbidden")
KICKED: Final = Close(4004, "kicked")
REPLACED: Final = Close(4005, "replaced")
AUTH_TIMEOUT: Final = Close(4100, "auth_timeout")
TOKEN_INVALID: Final = Close(4101, "token_invalid")
TOKEN_EXPIRED: Final = Close(4102, "token_expired")
TOKEN_REVOKED: Final = Close(4103, "token_revoked")
RATE_LIMITED: Final = Close(4200, "rate_limited")
OVERLOADED: Final = Close(4201, "overloaded")
IDLE_TIMEOUT: Final = Close(4203, "idle_timeout")
SLOW_CONSUMER: Final = Close(4300, "slow_consumer")
RESYNC: Final = Close(4301, "resync")
REBALANCE: Final = Close(4302, "rebalance")

CLOSES: Final[tuple[Close, ...]] = (
    BINARY,
    NOT_UTF8,
    TOO_BIG,
    RESTART,
    PROTOCOL_ERROR,
    UNSUPPORTED_VERSION,
    FORBIDDEN,
    KICKED,
    REPLACED,
    AUTH_TIMEOUT,
    TOKEN_INVALID,
    TOKEN_EXPIRED,
    TOKEN_REVOKED,
    RATE_LIMITED,
    OVERLOADED,
    IDLE_TIMEOUT,
    SLOW_CONSUMER,
    RESYNC,
    REBALANCE,
)
