"""What a drill writes down: the history for the checker, and the times that its terms are about."""

import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from tests.drills.history import Recorder

# Seconds. Closed-loop clients that pause at random leave gaps of a tenth of a second by themselves.
USUAL_GAP: Final = 0.25


@dataclass(frozen=True, slots=True)
class Ack:
    """An acknowledged publish: when it was sent and answered (monotonic s), by whom, whose."""

    invoked: float
    at: float
    node: str
    user: str


@dataclass
class Journal:
    """The one clock (`time.monotonic`), the recorder on it, and what clients measured.

    `answers` are (when, how long it took), of acks and errors alike; `closes` are (when, who,
    close code) of sockets that their client did not close itself.
    """

    recorder: Recorder
    acks: list[Ack] = field(default_factory=list)
    answers: list[tuple[float, float]] = field(default_factory=list)
    closes: list[tuple[float, str, int | None]] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    limited: Counter[str] = field(default_factory=Counter)  # rate_limited answers by user
    notices: list[tuple[float, str]] = field(default_factory=list)
    opened: int = 0

    def acks_after(self, moment: float, node: str | None = None) -> list[Ack]:
        """Return the acks that came after a moment, of one node or of all."""
        return [ack for ack in self._since(moment) if node in {None, ack.node}]

    def answered_late(self, since: float, node: str) -> list[Ack]:
        """Return the acks of one node whose publish was sent after a moment."""
        return [ack for ack in self._since(since) if ack.node == node and ack.invoked > since]

    def silence(self, since: float, node: str | None = None) -> tuple[float, float]:
        """Return begin and end of the longest time without an ack since a moment, until now."""
        times = [since, *(ack.at for ack in self.acks_after(since, node)), time.monotonic()]
        gaps = list(pairwise(times))
        return max(gaps, key=lambda gap: gap[1] - gap[0])

    def recovery(self, since: float, node: str | None = None) -> float:
        """Return seconds from a moment to the end of the longest silence after it.

        0 if there was none that stands out.
        """
        begin, end = self.silence(since, node)
        return end - since if end - begin > USUAL_GAP else 0.0

    def pause(self, since: float) -> float:
        """Return the length of the longest silence since a moment, in seconds."""
        begin, end = self.silence(since)
        return end - begin

    @property
    def longest_wait(self) -> float:
        """The longest that any publish waited for an answer, in seconds."""
        return max((wait for _, wait in self.answers), default=0.0)

    def _since(self, moment: float) -> list[Ack]:
        found: list[Ack] = []
        for ack in reversed(self.acks):
            if ack.at <= moment:
                break
            found.append(ack)
        return found[::-1]
