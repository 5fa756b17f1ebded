"""Deliveries and pages that a broken server would show."""

from random import Random

from msgspec.structs import replace

from tests.drills.history import Delivered, Entry, Info, Invoke, Joined, Page
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
    sessions,
)


def show_uncommitted(history: History, random: Random) -> History:
    """A device was shown a message that the failover then took back."""
    joined = pick(random, (it.joined for it in sessions(history) if it.is_open))
    size = len(log(history, joined.room).entries)
    return appended(
        history,
        Invoke(room=joined.room, user="late", cid="c0", text="taken back"),
        Info(attempt=attempt_name(history, 1), code="unavailable"),
        Delivered(
            device=joined.device,
            room=joined.room,
            epoch=joined.epoch,
            entry=Entry(size + 1, "late", "c0", "taken back"),
        ),
    )


def show_beyond_end(history: History, random: Random) -> History:
    """A device was shown a message behind the end of the log, that stands elsewhere in it."""
    joined = pick(random, (it.joined for it in sessions(history) if it.is_open and it.shown))
    entries = log(history, joined.room).entries
    entry = replace(entries[0], seq=len(entries) + 1)
    shown = Delivered(device=joined.device, room=joined.room, epoch=joined.epoch, entry=entry)
    return appended(history, shown)


def read_uncommitted(history: History, random: Random) -> History:
    """A page had a message that the failover then took back."""
    target = pick(random, logs(history))
    head = len(target.entries) + 1
    ghost = Entry(head, "late", "c0", "taken back")
    return appended(
        history,
        Invoke(room=target.room, user="late", cid="c0", text="taken back"),
        Info(attempt=attempt_name(history, 1), code="timeout"),
        Page(
            began=attempt_name(history, 2),
            room=target.room,
            epoch=target.epoch,
            head=head,
            limit=1,
            entries=(ghost,),
        ),
    )


def tell_head_beyond(history: History, random: Random) -> History:
    """A join was told a head that the log never reached."""
    resumed = ((at, it) for at, it in every(history, Joined) if it.since and not it.reset)
    at, joined = pick(random, resumed)
    size = len(log(history, joined.room).entries)
    return changed(history, at, replace(joined, head=size + 5))


def deliver_other_text(history: History, random: Random) -> History:
    """A device was shown another text than was sent."""
    at, delivered = pick(random, every(history, Delivered))
    entry = replace(delivered.entry, text="garbled")
    return changed(history, at, replace(delivered, entry=entry))


def deliver_other_message(history: History, random: Random) -> History:
    """A device was shown another message under a seq than everybody else."""
    at, delivered = pick(random, every(history, Delivered))
    seq, held = delivered.entry.seq, log(history, delivered.room).entries
    other = pick(random, (entry for entry in held if entry.seq != seq))
    return changed(history, at, replace(delivered, entry=replace(other, seq=seq)))


def tear_page(history: History, random: Random) -> History:
    """A page lacks an entry in its midst or at an end."""
    at, page = pick(random, ((at, it) for at, it in every(history, Page) if it.entries))
    gone = random.choice(page.entries)
    rest = tuple(entry for entry in page.entries if entry is not gone)
    return changed(history, at, replace(page, entries=rest))


def read_stale_page(history: History, random: Random) -> History:
    """A tail page, begun after an ack, ends before the acknowledged message."""
    tails = [
        (at, page, seq - 1)
        for at, page in every(history, Page)
        if page.after is None and page.before is None and (seq := _known(history, page))
    ]
    at, page, head = pick(random, tails)
    entries = log(history, page.room).entries[max(0, head - page.limit) : head]
    return changed(history, at, replace(page, head=head, entries=entries))


def read_less_than_shown(history: History, random: Random) -> History:
    """A tail page lacks a message that a device was shown before, and that had no ack yet."""
    tails = (
        (at, page, _known(history, page))
        for at, page in every(history, Page)
        if page.after is None and page.before is None
    )
    shown = [
        (at, page, delivered.entry.seq - 1)
        for at, page, known in tails
        for _, delivered in every(history, Delivered)
        if delivered.room == page.room and delivered.t < page.began
        if delivered.entry.seq > known
    ]
    at, page, head = pick(random, shown)
    entries = log(history, page.room).entries[max(0, head - page.limit) : head]
    return changed(history, at, replace(page, head=head, entries=entries))


def join_stale(history: History, random: Random) -> History:
    """A join, begun after an ack, is told a head before the acknowledged message."""
    resumed = [
        (at, joined)
        for at, joined in every(history, Joined)
        if joined.since and not joined.reset and joined.since.seq < _known(history, joined)
    ]
    at, joined = pick(random, resumed)
    assert joined.since
    return changed(history, at, replace(joined, head=joined.since.seq))


def _known(history: History, read: Page | Joined) -> int:
    """The highest seq acknowledged in the room before the read began; 0 if none was."""
    before = (it for it in acks(history) if it.ok.t < read.began and it.invoke.room == read.room)
    return max((it.ok.seq for it in before), default=0)
