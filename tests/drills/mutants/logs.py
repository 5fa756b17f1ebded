"""Final logs that a broken store would leave behind."""

from random import Random

from msgspec.structs import replace

from tests.drills.history import Entry, Fail, Invoke, LogRead
from tests.drills.mutants.edit import (
    History,
    acks,
    appended,
    attempt_name,
    changed,
    every,
    log,
    logs,
    pick,
    with_logs,
)


def drop(history: History, random: Random) -> History:
    """An acknowledged message is gone, its place is empty."""
    acked = pick(random, acks(history))
    key = (acked.invoke.user, acked.invoke.cid)
    return with_logs(
        history, acked.invoke.room, lambda entries: [it for it in entries if it.key != key]
    )


def drop_last(history: History, random: Random) -> History:
    """The log ends before its last acknowledged message, as after a failover to a laggard."""
    acked = pick(random, acks(history))
    room = acked.invoke.room
    last = max(it.ok.seq for it in acks(history) if it.invoke.room == room)
    return with_logs(history, room, lambda entries: entries[: last - 1])


def renumber_after_drop(history: History, random: Random) -> History:
    """An acknowledged message is gone and all later ones moved up."""
    acked = pick(random, acks(history))
    key = (acked.invoke.user, acked.invoke.cid)

    def close_up(entries: tuple[Entry, ...]) -> list[Entry]:
        kept = [entry for entry in entries if entry.key != key]
        return [replace(entry, seq=seq) for seq, entry in enumerate(kept, 1)]

    return with_logs(history, acked.invoke.room, close_up)


def store_twice(history: History, random: Random) -> History:
    """A retry was not known for one and stored again."""
    target = pick(random, (it for it in logs(history) if it.entries))
    again = replace(random.choice(target.entries), seq=len(target.entries) + 1)
    return with_logs(history, target.room, lambda entries: (*entries, again))


def swap(history: History, random: Random) -> History:
    """Two acknowledged messages changed places after they were."""
    one = pick(random, acks(history))
    other = pick(
        random,
        (
            it
            for it in acks(history)
            if it.invoke.room == one.invoke.room and it.ok.seq > one.ok.seq
        ),
    )
    low, high = one.ok.seq - 1, other.ok.seq - 1

    def exchange(entries: tuple[Entry, ...]) -> list[Entry]:
        swapped = list(entries)
        swapped[low], swapped[high] = entries[high], entries[low]
        return [replace(entry, seq=seq) for seq, entry in enumerate(swapped, 1)]

    return with_logs(history, one.invoke.room, exchange)


def other_text(history: History, random: Random) -> History:
    """A stored text is not the one that was sent."""
    target = pick(random, (it for it in logs(history) if it.entries))
    at = random.randrange(len(target.entries))
    return _with_text(history, target, at, "rewritten")


def refused_text(history: History, random: Random) -> History:
    """A text refused as a conflict replaced the one that stands."""
    failed = {fail.attempt for _, fail in every(history, Fail)}
    tries = [invoke for _, invoke in every(history, Invoke)]
    maybe = {(it.room, it.user, it.cid, it.text) for it in tries if it.t not in failed}
    places = [
        (target, entry, invoke.text)
        for target in logs(history)
        for invoke in tries
        if invoke.room == target.room
        and (invoke.room, invoke.user, invoke.cid, invoke.text) not in maybe
        for entry in target.entries
        if entry.key == (invoke.user, invoke.cid)
    ]
    target, entry, text = pick(random, places)
    return _with_text(history, target, entry.seq - 1, text)


def _with_text(history: History, target: LogRead, at: int, text: str) -> History:
    def edit(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        return (*entries[:at], replace(entries[at], text=text), *entries[at + 1 :])

    return with_logs(history, target.room, edit)


def fabricate(history: History, random: Random) -> History:
    """The log has an entry that nobody sent."""
    target = pick(random, logs(history))
    forged = Entry(len(target.entries) + 1, "nobody", "c0", "never said")
    return with_logs(history, target.room, lambda entries: (*entries, forged))


def store_refused(history: History, random: Random) -> History:
    """A message was refused, and stored all the same."""
    target = pick(random, logs(history))
    text = "refused"
    refused = appended(
        history,
        Invoke(room=target.room, user="late", cid="c0", text=text),
        Fail(attempt=attempt_name(history, 1), code="rate_limited"),
    )
    entry = Entry(len(target.entries) + 1, "late", "c0", text)
    return with_logs(refused, target.room, lambda entries: (*entries, entry))


def refuse_stored(history: History, random: Random) -> History:
    """The only answer to a stored message was that it is refused."""
    answers = list(acks(history))
    tries = [(it.room, it.user, it.cid) for _, it in every(history, Invoke)]
    single = (
        it for it in answers if tries.count((it.invoke.room, it.invoke.user, it.invoke.cid)) == 1
    )
    at, ok, _ = pick(random, single)
    return changed(history, at, Fail(t=ok.t, attempt=ok.attempt, code="forbidden"))


def reuse_seq(history: History, random: Random) -> History:
    """Two entries of the log have one seq."""
    target = pick(random, (it for it in logs(history) if len(it.entries) > 1))
    last = replace(target.entries[-1], seq=len(target.entries) - 1)
    return with_logs(history, target.room, lambda entries: (*entries[:-1], last))


def leave_gap(history: History, random: Random) -> History:
    """The last entry of the log leaves a number out."""
    target = pick(random, (it for it in logs(history) if it.entries))
    last = replace(target.entries[-1], seq=len(target.entries) + 1)
    return with_logs(history, target.room, lambda entries: (*entries[:-1], last))


def trim(history: History, random: Random) -> History:
    """The log begins at 2."""
    target = pick(random, (it for it in logs(history) if len(it.entries) > 1))
    return with_logs(history, target.room, lambda entries: entries[1:])


def repeat(history: History, random: Random) -> History:
    """The log is read with one entry twice, at its one place."""
    target = pick(random, (it for it in logs(history) if it.entries))
    at = random.randrange(len(target.entries))
    return with_logs(history, target.room, lambda entries: (*entries[: at + 1], *entries[at:]))


def scramble(history: History, random: Random) -> History:
    """The log is read with two entries in exchanged order."""
    target = pick(random, (it for it in logs(history) if len(it.entries) > 1))
    at = random.randrange(1, len(target.entries))

    def exchange(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        return (*entries[: at - 1], entries[at], entries[at - 1], *entries[at + 1 :])

    return with_logs(history, target.room, exchange)


def acked_after_loss(history: History, random: Random) -> History:
    """After a legitimate loss a message of the *new* epoch is gone."""
    seen = {
        room: next(
            record.t
            for record in history
            if getattr(record, "room", "") == room
            and getattr(record, "epoch", "") == log(history, room).epoch
        )
        for room in {it.room for it in logs(history)}
    }
    late = (it for it in acks(history) if it.invoke.t > seen[it.invoke.room])
    acked = pick(random, late)
    key = (acked.invoke.user, acked.invoke.cid)
    return with_logs(
        history, acked.invoke.room, lambda entries: [it for it in entries if it.key != key]
    )
