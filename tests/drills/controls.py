"""Negative controls: the drills against servers that break a promise, and what must be found."""

from dataclasses import dataclass, replace
from typing import Final

from tests.drills.catalogue import CATALOGUE
from tests.drills.rig.drill import Drill

LOST: Final = frozenset({"lost"})
TWICE: Final = frozenset({"duplicate"})
# Shown, and then not there, or another message in its place.
TAKEN_BACK: Final = frozenset({"phantom", "incompatible_order"})
STALE: Final = frozenset({"stale_read"})
# Seconds between two messages of a publisher: so few that no gap in the room, of another node's
# messages under way, makes the feed look into the log, where the mistake is none.
QUIET: Final = 0.5


@dataclass(frozen=True)
class Control:
    """A broken server (broken.py), the drill that shows it, and what must be found: one of these.

    `period` differs from the drill's where that hides the mistake.
    """

    how: str
    drill: str
    shows: frozenset[str]
    period: float | None = None

    @property
    def staged(self) -> Drill:
        """The drill, on the broken server."""
        drill = CATALOGUE[self.drill]
        program = ("tests.drills.broken", self.how)
        period = self.period or drill.shape.period
        shape = replace(drill.shape, program=program, period=period)
        return replace(drill, name=self.how, shape=shape)


CONTROLS: Final = {
    control.how: control
    for control in (
        Control("no-replica-ack", "F06", LOST),
        Control("no-idempotency-key", "F05", TWICE),
        Control("delivery-before-ack", "F06", TAKEN_BACK, QUIET),
        Control("wait-elsewhere", "F06", LOST),
        Control("history-from-a-replica", "F07b", STALE),
    )
}
