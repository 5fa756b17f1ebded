"""Negative controls: the drills against servers that break a promise, and what must be found."""

from dataclasses import dataclass, replace
from typing import Final

from tests.drills.catalogue import CATALOGUE
from tests.drills.rig.drill import Drill


@dataclass(frozen=True)
class Control:
    """A broken server (broken.py), the drill that shows it, and the anomaly that it must show."""

    how: str
    drill: str
    shows: str

    @property
    def staged(self) -> Drill:
        """The drill, on the broken server."""
        drill = CATALOGUE[self.drill]
        program = ("tests.drills.broken", self.how)
        return replace(drill, name=self.how, shape=replace(drill.shape, program=program))


CONTROLS: Final = {
    control.how: control
    for control in (
        Control("no-replica-ack", "F06", "lost"),
        Control("no-idempotency-key", "F05", "duplicate"),
        Control("delivery-before-ack", "F06", "phantom"),
        Control("wait-elsewhere", "F06", "lost"),
        Control("history-from-a-replica", "F07b", "stale_read"),
    )
}
