"""The terms of a drill beside the checker's invariants, each a number and its bound."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Term:
    """What was measured, and what was promised of it."""

    what: str
    value: float
    bound: float
    at_least: bool = False

    @property
    def kept(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{self.what} {self.value:.4g} ({sign} {self.bound:g})"


@dataclass
class Terms:
    """All terms of one drill; R and Q keep their worst value for the table."""

    all: list[Term] = field(default_factory=list)
    recovery: float | None = None  # R, seconds

    def most(self, what: str, value: float, bound: float) -> None:
        self.all.append(Term(what, value, bound))

    def least(self, what: str, value: float, bound: float) -> None:
        self.all.append(Term(what, value, bound, at_least=True))

    def recovered(self, seconds: float, bound: float) -> None:
        """R: from a fault, or from its healing, to the first new ack."""
        self.recovery = max(self.recovery or 0.0, seconds)
        self.most("R", seconds, bound)

    @property
    def broken(self) -> list[Term]:
        return [term for term in self.all if not term.kept]
