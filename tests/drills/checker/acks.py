"""What an acknowledgement promises: the message stands in the log, at the place that was told."""

from collections.abc import Iterator

from tests.drills.checker.evidence import Evidence
from tests.drills.checker.room import Room
from tests.drills.history import Key


def lost(room: Room) -> Iterator[Evidence]:
    """Each acknowledged key is in the final log (Jepsen: lost write).

    Excused: keys of an earlier epoch that may be lost, and keys whose ack may be of such a one.
    """
    reported = set()
    for ack in room.acks:
        if room.log is None or ack.key in room.seqs or ack.key in reported or ack.epoch is None:
            continue
        if not room.may_be_lost(ack.epoch, ack.invoked):
            reported.add(ack.key)
            said = f"{ack.key} was acked at {ack.epoch}/{ack.seq} and is not in the final log"
            yield Evidence(said, (ack.line, room.log_line))


def inconsistent_ack(room: Room) -> Iterator[Evidence]:
    """Within an epoch all acks of a key carry one seq, and that is its place in the log.

    The place is the final log's; else where the key was first shown; else what was acked first.
    A retry with `dup` is held to it like any other ack.
    """
    places: dict[tuple[str, Key], tuple[int, int]] = {}
    for claim in room.claims():
        places.setdefault((claim.epoch, claim.key), (claim.seq, claim.line))
    for ack in room.acks:
        if ack.epoch is None:
            continue
        seq, line = places[ack.epoch, ack.key]
        if ack.seq != seq:
            said = f"{ack.key} stands at {ack.epoch}/{seq} and was acked at {ack.seq}"
            yield Evidence(said, (line, ack.line))
