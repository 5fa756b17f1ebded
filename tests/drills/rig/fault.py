"""One fault of a drill: it starts, is proved, is healed and ends, and the history says so."""

import time
from typing import Literal

from tests.drills.history import Fault
from tests.drills.rig.journal import Journal


class Harm:
    """A fault under way; `since` is when it began, by the journal's clock in seconds."""

    def __init__(self, journal: Journal, name: str, nth: int, *, loses_history: bool) -> None:
        self._journal = journal
        self._name = name
        self._nth = nth
        self._loses_history = loses_history
        self.since = time.monotonic()
        self.proof = ""
        self._say("start")

    def proved(self, said: str) -> None:
        """Say what showed that the harm was done. Without it the drill ends UNKNOWN."""
        self.proof = said
        self._say("proved", said)

    def healed(self) -> float:
        """Say that its cause is taken away; returns when."""
        self._say("heal")
        return time.monotonic()

    def end(self) -> None:
        """Say that the drill is done with it."""
        self._say("end")

    def _say(self, step: Literal["start", "proved", "heal", "end"], said: str = "") -> None:
        fault = Fault(name=self._name, step=step, nth=self._nth, said=said)
        fault.loses_history = self._loses_history
        self._journal.recorder.add(fault)
