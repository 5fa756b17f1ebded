"""When the storage was away, and why: what a held message's span tells."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from chat.engine import Phase, Storage

_REMEMBERED: Final = 32  # no publish is held longer than 15 s


class Outage(msgspec.Struct):
    """A time without a storage that could be written, epoch nanoseconds; `until` 0: still."""

    since: int
    reason: str
    until: int = 0
    ended_by: str = ""


class Turn(NamedTuple):
    """What happened to a message that was held: an event of its span, `at` in epoch nanoseconds."""

    name: str
    at: int
    says: Mapping[str, str | float]


class Outages:
    """The last times when the storage was away."""

    def __init__(self) -> None:
        self._outages: deque[Outage] = deque(maxlen=_REMEMBERED)

    def turn(self, storage: Storage) -> None:
        """The storage went into another phase."""
        now = time.time_ns()
        away = bool(self._outages) and not self._outages[-1].until
        if storage.up and away:
            self._outages[-1].until = now
            self._outages[-1].ended_by = storage.reason
        elif not storage.up and not away and storage.phase is not Phase.STARTING:
            self._outages.append(Outage(now, storage.reason))

    def between(self, began: int, ended: int) -> Sequence[Turn]:
        """Return when a message of this time was held: `held` and `released`, each time."""
        if not self._outages:
            return ()
        return [turn for outage in self._outages for turn in _turns(outage, began, ended)]


def _turns(outage: Outage, began: int, ended: int) -> Sequence[Turn]:
    since, until = max(began, outage.since), min(ended, outage.until or ended)
    if since >= until:
        return ()
    lasted: Mapping[str, str | float] = {
        "chat.hold.duration": (until - since) / 1e9,
        "chat.hold.ended_by": outage.ended_by,
    }
    return (
        Turn("held", since, {"chat.hold.reason": outage.reason}),
        Turn("released", until, lasted),
    )
