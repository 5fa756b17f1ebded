"""What the log itself must be: dense, each key once, the same from every source."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from tests.drills.checker.evidence import Evidence
from tests.drills.checker.room import Room
from tests.drills.history import Entry, Key, Page


def duplicate(room: Room) -> Iterator[Evidence]:
    """A key stands at most once in the log of an epoch (Jepsen: duplicate).

    Of an earlier epoch there is no final log; what was shown of it stands in.
    """
    if room.log:
        once = ((entry, room.log_line) for entry in room.log.entries)
        yield from _repeated(room.log.epoch, once)
    for epoch, entries in room.shown.items():
        if room.log is None or epoch != room.log.epoch:
            yield from _repeated(epoch, ((entry, at.line) for entry, at in entries.items()))


def _repeated(epoch: str, entries: Iterable[tuple[Entry, int]]) -> Iterator[Evidence]:
    first: dict[Key, tuple[int, int]] = {}
    for entry, line in entries:
        seq, before = first.setdefault(entry.key, (entry.seq, line))
        if seq != entry.seq:
            said = f"{entry.key} stands at {epoch}/{seq} and at {entry.seq}"
            yield Evidence(said, (before, line))


def hole(room: Room) -> Iterator[Evidence]:
    """The final log is 1..n without holes, and a page is exactly the stretch that was asked for.

    Drills keep more history than they write, so nothing is trimmed.
    """
    if room.log:
        for before, entry in zip((None, *room.log.entries), room.log.entries, strict=False):
            last = before.seq if before else 0
            if entry.seq != last + 1:
                said = f"in the log of {room.log.epoch}, {entry.seq} follows {last}"
                yield Evidence(said, (room.log_line,))
    for line, page in room.pages:
        for owed, entry in zip_longest(_owed(page), page.entries):
            if entry is None or owed != entry.seq:
                given = entry.seq if entry else "nothing"
                yield Evidence(f"a page has {given} in place of {owed or 'its end'}", (line,))
                break


def _owed(page: Page) -> range:
    if page.after is not None:
        return range(page.after + 1, min(page.head, page.after + page.limit) + 1)
    last = page.head if page.before is None else min(page.head, page.before - 1)
    return range(max(1, last - page.limit + 1), last + 1)


def unequal_final(room: Room) -> Iterator[Evidence]:
    """The final log reads the same from every chat server, the master and each replica."""
    for line, log in room.finals.values():
        if room.log is None or (log.epoch, log.entries) == (room.log.epoch, room.log.entries):
            continue
        pairs = zip_longest(room.log.entries, log.entries)
        place = next((n for n, (ours, theirs) in enumerate(pairs, 1) if ours != theirs), 0)
        said = f"{log.source} has {log.epoch} and differs from {room.log.source} at entry {place}"
        yield Evidence(said, (room.log_line, line))
