"""What was shown: it stands in the log, at one place for all, and is what somebody sent."""

from collections.abc import Iterator

from tests.drills.checker.evidence import Evidence
from tests.drills.checker.room import Room
from tests.drills.checker.sessions import sessions
from tests.drills.history import Joined, Key, Page


def incompatible_order(room: Room) -> Iterator[Evidence]:
    """Over acks, deliveries, pages and final logs, (epoch, seq) names one key (Jepsen kafka)."""
    holders: dict[tuple[str, int], tuple[Key, int]] = {}
    for claim in room.claims():
        key, line = holders.setdefault((claim.epoch, claim.seq), (claim.key, claim.line))
        if key != claim.key:
            said = f"{claim.epoch}/{claim.seq} is {key} and is {claim.key}"
            yield Evidence(said, (line, claim.line))


def phantom(room: Room) -> Iterator[Evidence]:
    """What was delivered or read is in the final log, a head too (Adya G1a: dirty read).

    Excused: what was shown of an earlier epoch that may be lost. If another key holds the place,
    that is `incompatible_order`.
    """
    if room.log is None:
        return
    held = {entry.seq for entry in room.log.entries}
    for epoch, entries in room.shown.items():
        is_final = epoch == room.log.epoch
        for entry, sight in entries.items():
            is_placed = entry.seq in held if is_final else True
            if not (entry.key in room.seqs and is_placed) and not room.may_be_lost(epoch):
                said = f"{entry.key} was shown at {epoch}/{entry.seq} and is not in the final log"
                yield Evidence(said, (sight.line, room.log_line))
    yield from _announced(room, max(held, default=0))


def _announced(room: Room, end: int) -> Iterator[Evidence]:
    heads: list[tuple[int, Joined | Page]] = [*room.pages]
    heads += ((session.line, session.joined) for _, session in sessions(room))
    for line, answer in heads:
        if room.log and answer.epoch == room.log.epoch and answer.head > end:
            said = f"the head was told as {answer.head}, and the final log ends at {end}"
            yield Evidence(said, (line, room.log_line))


def aborted_read(room: Room) -> Iterator[Evidence]:
    """A key of which every attempt failed is nowhere: not in the log, not shown (Adya G1a)."""
    for epoch, entry, line in room.read():
        attempts = room.attempts.get(entry.key)
        if attempts and all(attempt.failed for attempt in attempts):
            said = f"{entry.key} was refused and stands at {epoch}/{entry.seq}"
            yield Evidence(said, (*(attempt.answer_line for attempt in attempts), line))


def garbage_read(room: Room) -> Iterator[Evidence]:
    """What was read is what was sent under that key, sanitised, by an attempt that didn't fail."""
    for epoch, entry, line in room.read():
        attempts = room.attempts.get(entry.key)
        if attempts is None:
            yield Evidence(f"nobody sent {entry.key}, read at {epoch}/{entry.seq}", (line,))
            continue
        sent = [attempt for attempt in attempts if not attempt.failed]
        if sent and all(room.terms.sanitise(it.invoke.text) != entry.text for it in sent):
            said = f"{entry.key} was read at {epoch}/{entry.seq} with a text that was not sent"
            yield Evidence(said, (sent[0].line, line))
