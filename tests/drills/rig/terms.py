"""The terms of a drill beside the checker's invariants, each a number and its bound."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Term:
    """What was measured, and what was promised of it; `allowed` is what the machine took of it."""

    what: str
    value: float
    bound: float
    at_least: bool = False
    allowed: float = 0.0

    @property
    def kept(self) -> bool:
        if self.at_least:
            return self.value >= self.bound
        return self.value <= self.bound + self.allowed

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        machine = f" + {self.allowed:.2f} for a busy machine" if self.allowed else ""
        return f"{self.what} {self.value:.4g} ({sign} {self.bound:g}{machine})"


@dataclass
class Terms:
    """All terms of one drill; R keeps its worst value for the table.

    `starved` tells for how many seconds, since the present fault began, a process that was ready
    had to wait for a processor: times are allowed that much more, and nothing else is.
    `patience` multiplies their bounds.
    """

    all: list[Term] = field(default_factory=list)
    recovery: float | None = None  # R, seconds
    starved: Callable[[], float] = lambda: 0.0
    patience: float = 1.0

    def most(self, what: str, value: float, bound: float) -> None:
        """A count, or a ratio, that may be no higher."""
        self.all.append(Term(what, value, bound))

    def least(self, what: str, value: float, bound: float) -> None:
        self.all.append(Term(what, value, bound, at_least=True))

    def within(self, what: str, seconds: float, bound: float) -> None:
        """A time that may be no longer, on a machine that runs what is ready."""
        self.all.append(Term(what, seconds, self.patience * bound, allowed=self.starved()))

    def recovered(self, seconds: float, bound: float) -> None:
        """R: from a fault, or from its healing, to the first new ack."""
        self.recovery = max(self.recovery or 0.0, seconds)
        self.within("R", seconds, bound)

    @property
    def broken(self) -> list[Term]:
        return [term for term in self.all if not term.kept]
