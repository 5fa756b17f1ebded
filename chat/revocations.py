"""Tokens that are good no more before they expire: by their id, or all of a user up to a moment."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from chat.claims import LEEWAY_S, LIFETIME_S, Claims, Seconds
from chat.errors import Refusal
from chat.names import UserId

BOUND: Final = 100_000  # some 20 MB; more would be a change of the key
TokenId = Annotated[str, Meta(min_length=1, max_length=64, description="A token's `jti`.")]


class Revocation(msgspec.Struct, frozen=True, omit_defaults=True, tag="revoke"):
    """An order to every node, those that start later too: take these tokens no more.

    Either of the token `jti`, or of every token of `user` issued at `at` or before; epoch
    seconds. It may be forgotten once none of them can be valid any more.
    """

    at: Seconds
    jti: TokenId | None = None
    user: UserId | None = None

    @property
    def until(self) -> int:
        """The epoch second from which each of these tokens has expired by itself."""
        return self.at + LIFETIME_S + 2 * LEEWAY_S


class Revocations:
    """What is revoked now, at most `BOUND`; times are epoch seconds."""

    def __init__(self) -> None:
        self._tokens: dict[str, Revocation] = {}
        self._users: dict[str, Revocation] = {}

    def __len__(self) -> int:
        return len(self._tokens) + len(self._users)

    def require_room(self, now: float) -> None:
        """Forget what matters no more; raise `limit_exceeded` if there is no room even so."""
        if len(self) >= BOUND:
            self._forget(now)
        if len(self) >= BOUND:
            raise Refusal("limit_exceeded", f"{BOUND:,} revocations")

    def add(self, revocation: Revocation, now: float) -> bool:
        """Take one in and tell whether it is news; of two of the same the later holds.

        Whoever keeps them for all nodes has refused one too many (`require_room`); should there be
        more all the same, the one that was taken in first makes room.
        """
        name = revocation.jti or revocation.user or ""
        kept = self._tokens if revocation.jti else self._users
        before = kept.get(name)
        if revocation.until <= now or (before is not None and before.at >= revocation.at):
            return False
        if before is None and len(self) >= BOUND:
            self._forget(now)
            if len(self) >= BOUND:
                largest = max(self._tokens, self._users, key=len)
                del largest[next(iter(largest))]
        kept[name] = revocation
        return True

    def covers(self, claims: Claims, now: float) -> bool:
        """Tell whether the token is revoked; one that does not say when it was issued is old.

        But all that are older than the revocation have expired in the end: then it is a new one.
        """
        of_token = self._tokens.get(claims.jti or "")
        if of_token is not None and now < of_token.until:
            return True
        of_user = self._users.get(claims.sub)
        return of_user is not None and now < of_user.until and (claims.iat or 0) <= of_user.at

    def _forget(self, now: float) -> None:
        for kept in (self._tokens, self._users):
            for name in [name for name, each in kept.items() if each.until <= now]:
                del kept[name]
