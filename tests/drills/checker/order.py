"""What real time demands: who came after is placed after, and who asks later is not told less.

An event is *known* from its first ack or its first showing on. Shown is as safe as acked, so both
bind alike. Times that are equal order nothing.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.drills.checker.evidence import Evidence
from tests.drills.checker.room import Room
from tests.drills.history import Key


class Moment(NamedTuple):
    """At time `t`, by this line, the place (rank of epoch, seq)."""

    t: int
    place: tuple[int, int]
    line: int


def realtime_order(room: Room) -> Iterator[Evidence]:
    """What was known before a publish was first sent stands before it (linearizability)."""
    for known, sent in _overtaken(_known(room), _sent(room)):
        said = f"sent when {_name(room, known)} was known, and placed at {_name(room, sent)}"
        yield Evidence(said, (known.line, sent.line))


def stale_read(room: Room) -> Iterator[Evidence]:
    """A join or a page begun after an event was known has a head that contains it (stale read)."""
    for known, told in _overtaken(_known(room), _told(room)):
        said = f"begun when {_name(room, known)} was known, and told a head of {_name(room, told)}"
        yield Evidence(said, (known.line, told.line))


def _name(room: Room, moment: Moment) -> str:
    rank, seq = moment.place
    return f"{room.chain[rank]}/{seq}"


def _overtaken(known: Iterable[Moment], asked: Iterable[Moment]) -> Iterator[tuple[Moment, Moment]]:
    """Pair each question with the highest place known strictly before it, if that is above."""
    facts = iter(sorted(known))
    fact = next(facts, None)
    highest: Moment | None = None
    for question in sorted(asked):
        while fact and fact.t < question.t:
            if highest is None or fact.place > highest.place:
                highest = fact
            fact = next(facts, None)
        if highest and highest.place > question.place:
            yield highest, question


def _known(room: Room) -> Iterator[Moment]:
    for ack in room.acks:
        if ack.epoch is not None:
            yield Moment(ack.t, (room.rank[ack.epoch], ack.seq), ack.line)
    for epoch, entries in room.shown.items():
        rank = room.rank[epoch]
        for entry, sight in entries.items():
            yield Moment(sight.t, (rank, entry.seq), sight.line)


def _sent(room: Room) -> Iterator[Moment]:
    """Each key's first attempt that may have written it, with each place the key got."""
    placed: set[tuple[str, Key]] = set()
    for claim in room.claims():
        if (claim.epoch, claim.key) in placed:
            continue
        placed.add((claim.epoch, claim.key))
        attempts = room.attempts.get(claim.key, ())
        first = next((attempt for attempt in attempts if not attempt.failed), None)
        if first:
            place = (room.rank[claim.epoch], claim.seq)
            yield Moment(first.invoke.t, place, first.line)


def _told(room: Room) -> Iterator[Moment]:
    for sessions in room.sessions.values():
        for session in sessions:
            joined = session.joined
            yield Moment(joined.began, (room.rank[joined.epoch], joined.head), session.line)
    for line, page in room.pages:
        yield Moment(page.began, (room.rank[page.epoch], page.head), line)
