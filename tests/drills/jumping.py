"""Runs `server` with a wall clock that jumps: SIGUSR1 sets it an hour ahead, SIGUSR2 behind.

SIGWINCH sets it right.
"""

import datetime as dt
import signal
import sys
import time
from types import FrameType
from typing import Final

HOUR_NS: Final = 3_600_000_000_000
_JUMPS: Final = {signal.SIGUSR1: HOUR_NS, signal.SIGUSR2: -HOUR_NS, signal.SIGWINCH: 0}
_true_ns: Final = time.time_ns
_offset = 0


def _time_ns() -> int:
    return _true_ns() + _offset


def _time() -> float:
    return _time_ns() / 1e9


def _jump(number: int, _: FrameType | None) -> None:
    global _offset  # noqa: PLW0603 - there is one clock
    _offset = _JUMPS[signal.Signals(number)]


class _DateTime(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> "_DateTime":
        return cls.fromtimestamp(_time(), tz)


if __name__ == "__main__":
    dt.datetime = _DateTime  # type: ignore[misc]
    time.time_ns, time.time = _time_ns, _time
    for one in _JUMPS:
        signal.signal(one, _jump)

    from server.__main__ import main  # only now: modules keep the clock they find

    sys.exit(main([]))
