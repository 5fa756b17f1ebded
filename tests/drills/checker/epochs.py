"""What an epoch promises: it changes only when history was lost, and everyone is told."""

from collections.abc import Iterator

from tests.drills.checker.evidence import Evidence
from tests.drills.checker.room import Room
from tests.drills.checker.sessions import sessions, still_open
from tests.drills.history import Joined


def needless_epoch(room: Room) -> Iterator[Evidence]:
    """Before each new epoch stands a fault of its own that may lose history."""
    for rank, epoch in enumerate(room.chain):
        if not room.is_founded(rank):
            sight = room.first_seen[epoch]
            losses = sum(loss < sight.t for loss in room.terms.losses)
            said = f"{epoch} is epoch {rank + 1}, and {losses} faults before it may lose history"
            yield Evidence(said, (sight.line,))


def silent_epoch(room: Room) -> Iterator[Evidence]:
    """A device that holds another epoch is told `reset`, and in time."""
    for device, session in sessions(room):
        joined = session.joined
        if session.resumed and joined.since and joined.since.epoch != joined.epoch:
            said = f"{device} held {joined.since.epoch} and was led on in {joined.epoch}"
            yield Evidence(said, (session.line,))
        for line, delivered in session.shown:
            if delivered.epoch != joined.epoch:
                said = f"{device} joined {joined.epoch} and was shown {delivered.epoch}"
                yield Evidence(said, (session.line, line))
    for device, session, deadline in still_open(room):
        held = session.joined.epoch
        if room.log and held != room.log.epoch and room.terms.ended >= deadline:
            said = f"{device} was left in {held}, and the log is {room.log.epoch}"
            yield Evidence(said, (session.line, room.log_line))


def needless_reset(room: Room) -> Iterator[Evidence]:
    """A reset gives its true reason (`chat.v1` §3): without one, it would excuse any hole."""
    for device, session in sessions(room):
        if session.joined.reset and not _is_due(session.joined, room.terms.plan.replay_limit):
            said = f"{device} was reset as {session.joined.reset}, which is not so"
            yield Evidence(said, (session.line,))


def _is_due(joined: Joined, replay_limit: int) -> bool:
    """Nothing is trimmed in a drill; being ahead is true here, and a `stale_read` besides."""
    since = joined.since
    if since is None or since.epoch != joined.epoch:
        return since is not None
    too_far = joined.reset == "too_far" and joined.head - since.seq > replay_limit
    ahead = joined.reset == "ahead" and since.seq > joined.head
    return too_far or ahead
