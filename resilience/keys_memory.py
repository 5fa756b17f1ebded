"""Idempotency keys in memory: what was appended under which key, for a while."""

from collections import OrderedDict
from typing import Final

import msgspec

from chat.log import Draft, Receipt

_FORGOTTEN: Final = 2  # expired keys dropped per new one: more than come, so they get fewer

Key = tuple[str, str, str]  # a user's cid within a room


def _key_of(draft: Draft) -> Key:
    return draft.room, draft.user, draft.cid


class Appended(msgspec.Struct, frozen=True, gc=False):
    """What became of the first draft under a key; `until` is when the key may be forgotten."""

    receipt: Receipt
    digest: bytes
    until: float


class Keys:
    """Keys of the last `seconds`, at most `limit`: beyond that the oldest is forgotten early.

    Times are seconds of one monotonic clock.
    """

    def __init__(self, seconds: float, limit: int) -> None:
        self._seconds = seconds
        self._limit = limit
        self._appended: OrderedDict[Key, Appended] = OrderedDict()  # oldest first

    def __len__(self) -> int:
        return len(self._appended)

    def find(self, draft: Draft, now: float) -> Appended | None:
        """Return what was appended under the draft's key, unless that was too long ago."""
        found = self._appended.get(_key_of(draft))
        return found if found is not None and found.until > now else None

    def add(self, draft: Draft, receipt: Receipt, now: float) -> None:
        """Remember a key that was not found, from now on."""
        key = _key_of(draft)
        self._appended[key] = Appended(receipt, draft.digest, now + self._seconds)
        self._appended.move_to_end(key)
        self._forget(now)

    def _forget(self, now: float) -> None:
        for _ in range(min(_FORGOTTEN, len(self) - 1)):
            oldest = next(iter(self._appended.values()))
            if oldest.until > now and len(self) <= self._limit:
                return
            self._appended.popitem(last=False)
