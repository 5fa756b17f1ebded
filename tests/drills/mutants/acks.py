"""Acknowledgements that a broken server would send."""

from random import Random

from msgspec.structs import replace

from tests.drills.history import Delivered, Entry, Fail, Fault, Invoke, LogRead, Ok, Page, Record
from tests.drills.mutants.edit import (
    Acked,
    History,
    acks,
    appended,
    attempt_name,
    changed,
    every,
    log,
    logs,
    pick,
)


def fabricate_ack(history: History, random: Random) -> History:
    """A message was acknowledged and never stored."""
    target = pick(random, logs(history))
    return appended(
        history,
        Invoke(room=target.room, user="late", cid="c0", text="acked only"),
        Ok(attempt=attempt_name(history, 1), seq=len(target.entries) + 1),
    )


def ack_elsewhere(history: History, random: Random) -> History:
    """An ack names another message's place."""
    return _moved(history, random, pick(random, acks(history)))


def ack_dup_elsewhere(history: History, random: Random) -> History:
    """A retry is told another place than the message got at first."""
    return _moved(history, random, pick(random, (it for it in acks(history) if it.ok.dup)))


def ack_lost_elsewhere(history: History, random: Random) -> History:
    """Before history was lost, an ack names another place than the one that was shown."""
    fault = next(it.t for _, it in every(history, Fault) if it.loses_history)
    invokes = {it.t: it for _, it in every(history, Invoke)}
    shown = {(it.room, it.epoch, it.entry.seq) for _, it in every(history, Delivered)}
    early = [
        (at, ok)
        for at, ok in every(history, Ok)
        if ok.t < fault
        for room in (invokes[ok.attempt].room,)
        if (room, log(history, room).epoch.rstrip("'"), ok.seq) in shown
    ]
    at, ok = pick(random, early)
    return changed(history, at, replace(ok, seq=10**6))


def _moved(history: History, random: Random, acked: Acked) -> History:
    size = len(log(history, acked.invoke.room).entries)
    seq = pick(random, set(range(1, size + 1)) - {acked.ok.seq})
    return changed(history, acked.at, replace(acked.ok, seq=seq))


def ack_in_lost_epoch(history: History, random: Random) -> History:
    """A server split from the others acks into the lost epoch, when the new one is long shown."""
    shown = {it.epoch for _, it in every(history, Delivered)}
    lost = (it for it in logs(history) if it.epoch.endswith("'") and it.epoch in shown)
    target = pick(random, lost)
    return appended(
        history,
        Invoke(room=target.room, user="late", cid="c0", text="split"),
        Ok(attempt=attempt_name(history, 1), seq=10**6, epoch=target.epoch.rstrip("'")),
    )


def place_before_known(history: History, random: Random) -> History:
    """Two messages are exchanged wherever they appear: one stands before what its author knew."""
    return _exchanged_pair(history, random, refused=False)


def place_retry_before_known(history: History, random: Random) -> History:
    """The same, and an attempt with its key had been refused before the other was known."""
    return _exchanged_pair(history, random, refused=True)


def _exchanged_pair(history: History, random: Random, *, refused: bool) -> History:
    acked = list(acks(history))
    sent = {later.at: _sent(history, later) for later in random.sample(acked, min(20, len(acked)))}
    pairs = (
        (known, later)
        for later in acked
        if later.at in sent
        for known in acked
        if known.invoke.room == later.invoke.room and known.ok.seq != later.ok.seq
        if known.ok.t < sent[later.at][1] and refused == (sent[later.at][0] < known.ok.t)
    )
    known, later = pick(random, pairs)
    places = (known.ok.seq, later.ok.seq)
    room = log(history, known.invoke.room)
    new = {
        places[0]: replace(room.entries[places[1] - 1], seq=places[0]),
        places[1]: replace(room.entries[places[0] - 1], seq=places[1]),
    }
    attempts = {it.ok.attempt for it in acks(history) if it.invoke.room == room.room}
    return [_exchanged(record, room.room, new, attempts) for record in history]


def _sent(history: History, acked: Acked) -> tuple[int, int]:
    """When the key was sent at first, and when by an attempt that was not refused."""
    failed = {fail.attempt for _, fail in every(history, Fail)}
    invoke = acked.invoke
    tries = [
        it.t
        for _, it in every(history, Invoke)
        if (it.room, it.user, it.cid) == (invoke.room, invoke.user, invoke.cid)
    ]
    return tries[0], next(t for t in tries if t not in failed)


def _exchanged(record: Record, room: str, new: dict[int, Entry], attempts: set[int]) -> Record:
    match record:
        case Delivered() if record.room == room:
            return replace(record, entry=new.get(record.entry.seq, record.entry))
        case Page() | LogRead() if record.room == room:
            entries = tuple(new.get(entry.seq, entry) for entry in record.entries)
            return replace(record, entries=entries)
        case Ok() if record.attempt in attempts and record.seq in new:
            return replace(record, seq=sum(new) - record.seq)
    return record
