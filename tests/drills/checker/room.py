"""One room of a history, indexed: who sent what, who was shown what, and in which epoch.

Epochs are opaque names; their order is the order in which anyone first saw them. An entry's place
is (rank of its epoch, seq), and places compare across epochs: a later epoch is later altogether.

An epoch is *founded* if as many faults that may lose history had started, before it was first seen,
as epochs precede it. What was acked or shown in an earlier epoch may be missing from the final log
if the epochs after it are founded; an ack only if its publish was sent before the next epoch was
seen, for a server that shows a new epoch and still acks into the old one is split in two.

An ack doesn't name its epoch. It belongs to the newest one seen when its publish was sent, unless a
fault that may lose history had started by the time of the ack: then it may as well belong to the
next, which nobody had seen yet, and `Ack.epoch` is None. Such an ack claims no place.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tests.drills.checker.parts import Ack, Attempt, Claim, Session, Sight, Terms
from tests.drills.history import Delivered, Entry, Key, LogRead, Ok, Page


@dataclass
class Room:
    """All that a history says of one room.

    `shown` holds each distinct entry once, from deliveries and pages; `outside` are deliveries in
    no session of their device; `finals` are the logs by source.
    """

    name: str
    terms: Terms
    attempts: dict[Key, list[Attempt]] = field(default_factory=dict)
    first_seen: dict[str, Sight] = field(default_factory=dict)
    shown: dict[str, dict[Entry, Sight]] = field(default_factory=dict)
    sessions: dict[str, list[Session]] = field(default_factory=dict)
    outside: list[tuple[int, Delivered]] = field(default_factory=list)
    pages: list[tuple[int, Page]] = field(default_factory=list)
    finals: dict[str, tuple[int, LogRead]] = field(default_factory=dict)

    @cached_property
    def chain(self) -> list[str]:
        """The epochs in their order."""
        return list(self.first_seen)

    @cached_property
    def rank(self) -> dict[str, int]:
        return {epoch: rank for rank, epoch in enumerate(self.chain)}

    @cached_property
    def _seen_at(self) -> list[int]:
        return [sight.t for sight in self.first_seen.values()]

    @cached_property
    def log(self) -> LogRead | None:
        """The final log as its first source has it; `unequal_final` holds the others to it."""
        return next((log for _, log in self.finals.values()), None)

    @cached_property
    def log_line(self) -> int:
        return next((line for line, _ in self.finals.values()), 0)

    @cached_property
    def seqs(self) -> dict[Key, int]:
        """Each key's first place in the final log."""
        entries = self.log.entries if self.log else ()
        return {entry.key: entry.seq for entry in reversed(entries)}

    @cached_property
    def acks(self) -> list[Ack]:
        return [
            Ack(
                attempt.answer_line,
                attempt.answer.t,
                attempt.invoke.t,
                key,
                attempt.answer.seq,
                self._epoch_of(attempt.answer, attempt.invoke.t),
            )
            for key, attempts in self.attempts.items()
            for attempt in attempts
            if isinstance(attempt.answer, Ok)
        ]

    def _epoch_of(self, answer: Ok, invoked: int) -> str | None:
        if answer.epoch is not None:
            return answer.epoch
        known = max(1, bisect_right(self._seen_at, invoked))
        begun = 1 + bisect_right(self.terms.losses, answer.t)
        possible = self.chain[known - 1 : max(known, begun)]
        return possible[0] if len(possible) == 1 else None

    def is_founded(self, rank: int) -> bool:
        """Tell whether enough history-losing faults had started when this epoch was first seen."""
        return bisect_right(self.terms.losses, self._seen_at[rank]) >= rank

    def may_be_lost(self, epoch: str, invoked: int = 0) -> bool:
        """Tell whether an entry of this epoch, sent at `invoked`, may be missing from the log."""
        if self.log is None:
            return True
        rank, final = self.rank[epoch], self.rank[self.log.epoch]
        return (
            rank < final
            and all(self.is_founded(later) for later in range(rank + 1, final + 1))
            and invoked < self._seen_at[rank + 1]
        )

    def claims(self) -> Iterator[Claim]:
        """Give every (epoch, seq, key) that was read at the end, shown or acked, in this order."""
        if self.log:
            for entry in self.log.entries:
                yield Claim(self.log.epoch, entry.seq, entry.key, self.log_line)
        for epoch, entries in self.shown.items():
            for entry, sight in entries.items():
                yield Claim(epoch, entry.seq, entry.key, sight.line)
        for ack in self.acks:
            if ack.epoch is not None:
                yield Claim(ack.epoch, ack.seq, ack.key, ack.line)

    def read(self) -> Iterator[tuple[str, Entry, int]]:
        """Give the entries of the final log and of everything shown, with epoch and line."""
        if self.log:
            for entry in self.log.entries:
                yield self.log.epoch, entry, self.log_line
        for epoch, entries in self.shown.items():
            for entry, sight in entries.items():
                yield epoch, entry, sight.line
