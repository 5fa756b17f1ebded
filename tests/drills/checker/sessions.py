"""What one device sees: each event once, in order, from its start to the log's end.

A session that continues from `since` starts at the event after it; any other starts at the oldest
event that the answer owed. A device that joins without `since` has dropped its copy, and what it
held before counts no more; a reset does the same to it.
"""

from collections.abc import Iterator
from itertools import pairwise

from tests.drills.checker.evidence import Evidence
from tests.drills.checker.parts import Session
from tests.drills.checker.room import Room


def nonmonotonic(room: Room) -> Iterator[Evidence]:
    """In a session seq strictly rises (Jepsen kafka: nonmonotonic poll)."""
    for device, session in sessions(room):
        last, before = (session.start - 1 if session.resumed else 0), session.line
        for line, delivered in session.shown:
            seq = delivered.entry.seq
            if seq <= last:
                yield Evidence(f"{device} was shown {seq} after {last}", (before, line))
            else:
                last, before = seq, line


def skipped(room: Room) -> Iterator[Evidence]:
    """A session has no hole, and continues no further on than its device got (poll skip)."""
    for device, session in sessions(room):
        due, before = session.start, session.line
        for index, (line, delivered) in enumerate(session.shown):
            seq = delivered.entry.seq
            if seq > due:
                yield Evidence(f"{device} was shown {seq} when {due} was due", (before, line))
            if seq >= due or (index == 0 and not session.resumed):
                due, before = seq + 1, line
    for device, theirs in room.sessions.items():
        for held, session in pairwise(theirs):
            since = session.joined.since if session.resumed else None
            if since and since.epoch == held.joined.epoch and since.seq > held.reach:
                said = f"{device} resumed from {since.seq} and had been shown {held.reach}"
                yield Evidence(said, (held.line, session.line))


def outside_session(room: Room) -> Iterator[Evidence]:
    """A device is shown a room only between a join's answer and its end."""
    for line, delivered in room.outside:
        yield Evidence(f"{delivered.device} was shown {delivered.entry.seq} uninvited", (line,))


def unseen(room: Room) -> Iterator[Evidence]:
    """Who is in the room at the end has seen all of the log, within the settling time."""
    for device, session, deadline in still_open(room):
        if room.log is None or room.log.epoch != session.joined.epoch:
            continue
        end = room.log.entries[-1].seq if room.log.entries else 0
        if session.reach < end and room.terms.ended >= deadline:
            said = f"{device} got to {session.reach}, and the log to {end}"
            yield Evidence(said, (session.line, room.log_line))
        last = next((it for it in session.shown if it[1].entry.seq == end), None)
        if last and last[1].t > deadline:
            yield Evidence(f"{device} was shown {end} after the settling time", (last[0],))


def still_open(room: Room) -> Iterator[tuple[str, Session, int]]:
    """Give the sessions open at the end, and the time by which each must have seen everything.

    Counted from the last answer to a publish, the last fault's end or the join, whatever is last.
    """
    for device, session in sessions(room):
        if session.is_open:
            begun = max(room.terms.quiet, session.joined.t)
            yield device, session, begun + room.terms.plan.settle_ns


def is_behind(room: Room, session: Session) -> bool:
    """Tell whether the session lacks something of the final log."""
    if room.log is None:
        return False
    end = room.log.entries[-1].seq if room.log.entries else 0
    return session.joined.epoch != room.log.epoch or session.reach < end


def sessions(room: Room) -> Iterator[tuple[str, Session]]:
    for device, theirs in room.sessions.items():
        for session in theirs:
            yield device, session
