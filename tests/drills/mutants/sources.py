"""Final reads that differ from source to source."""

from random import Random

from msgspec.structs import replace

from tests.drills.history import LogRead
from tests.drills.mutants.edit import History, changed, every, pick


def lag(history: History, random: Random) -> History:
    """One source lacks the last entry."""
    at, target = pick(random, ((at, it) for at, it in every(history, LogRead) if it.entries))
    return changed(history, at, replace(target, entries=target.entries[:-1]))


def rename(history: History, random: Random) -> History:
    """One source has the same entries under another epoch."""
    at, target = pick(random, every(history, LogRead))
    return changed(history, at, replace(target, epoch="other"))


def diverge(history: History, random: Random) -> History:
    """One source has another text in one place."""
    found = ((at, it) for at, it in every(history, LogRead) if it.entries)
    at, target = pick(random, found)
    entry = replace(random.choice(target.entries), text="diverged")
    edited = (entry if it.seq == entry.seq else it for it in target.entries)
    return changed(history, at, replace(target, entries=tuple(edited)))
