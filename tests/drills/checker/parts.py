"""What a room's history is made of: attempts, sessions, acks, sightings, claims."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.drills.history import Delivered, Fail, Info, Invoke, Joined, Key, Ok, Plan


@dataclass
class Terms:
    """What all rooms are judged by; times in nanoseconds of the history's clock.

    `losses`: the starts of faults that may lose history. `quiet`: when the last publish was
    answered and the last fault over. `ended`: the last line.
    """

    plan: Plan
    sanitise: Callable[[str], str]
    losses: list[int] = field(default_factory=list)
    quiet: int = 0
    ended: int = 0


@dataclass(slots=True)
class Attempt:
    line: int
    invoke: Invoke
    answer_line: int = 0
    answer: Ok | Fail | Info | None = None

    @property
    def failed(self) -> bool:
        return isinstance(self.answer, Fail)


@dataclass(slots=True)
class Session:
    """What one device was shown from one `Joined` to the next or to `Closed`."""

    line: int
    joined: Joined
    shown: list[tuple[int, Delivered]] = field(default_factory=list)
    is_open: bool = True

    @property
    def resumed(self) -> bool:
        """Whether it continues from `since`, rather than starting a new copy."""
        return self.joined.since is not None and self.joined.reset is None

    @property
    def start(self) -> int:
        """The first seq that must be shown, if the log reaches that far."""
        if self.joined.since is not None and self.joined.reset is None:
            return self.joined.since.seq + 1
        return max(1, self.joined.head - self.joined.owed + 1)

    @property
    def reach(self) -> int:
        """The seq up to which the device holds the room now."""
        shown = max((delivered.entry.seq for _, delivered in self.shown), default=0)
        return max(shown, self.start - 1)


class Sight(NamedTuple):
    """Where and when something was first seen."""

    line: int
    t: int


class Ack(NamedTuple):
    line: int
    t: int
    invoked: int
    key: Key
    seq: int
    epoch: str | None


class Claim(NamedTuple):
    """Somebody says that this key stands at this place."""

    epoch: str
    seq: int
    key: Key
    line: int
