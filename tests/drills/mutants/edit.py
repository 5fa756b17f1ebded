"""How a history is cut and sewn; the original stays as it was."""

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import NamedTuple, TypeAlias, TypeVar

from msgspec.structs import replace

from tests.drills.checker.index import index
from tests.drills.checker.parts import Session
from tests.drills.history import Entry, Invoke, LogRead, Ok, Record

History: TypeAlias = list[Record]
Mutation: TypeAlias = Callable[[History, Random], History]
Kind = TypeVar("Kind")


class NotHereError(Exception):
    """This history has nothing that could be mutated in this way."""


class Acked(NamedTuple):
    at: int
    ok: Ok
    invoke: Invoke


def pick(random: Random, candidates: Iterable[Kind]) -> Kind:
    """Choose one; raise `NotHereError` if there is none."""
    found = list(candidates)
    if not found:
        raise NotHereError
    return random.choice(found)


def every(history: History, kind: type[Kind]) -> Iterator[tuple[int, Kind]]:
    """Give the records of a kind, each with its index."""
    return ((at, record) for at, record in enumerate(history) if isinstance(record, kind))


def acks(history: History) -> Iterator[Acked]:
    """Give the acks of keys that are in their room's final log."""
    invokes = {record.t: record for _, record in every(history, Invoke)}
    logs = {
        room: {entry.key for entry in log(history, room).entries}
        for room in {record.room for _, record in every(history, LogRead)}
    }
    for at, ok in every(history, Ok):
        invoke = invokes[ok.attempt]
        if (invoke.user, invoke.cid) in logs[invoke.room]:
            yield Acked(at, ok, invoke)


def log(history: History, room: str) -> LogRead:
    return next(record for _, record in every(history, LogRead) if record.room == room)


def logs(history: History) -> list[LogRead]:
    """Give each room's final log, from its first source."""
    return list({record.room: record for _, record in every(history[::-1], LogRead)}.values())


def sessions(history: History) -> list[Session]:
    """Give every device's sessions; their lines count from 1."""
    rooms = index(history, str).rooms.values()
    return [session for room in rooms for theirs in room.sessions.values() for session in theirs]


def entry_of(log: LogRead, seq: int) -> Entry:
    return log.entries[seq - 1]


def changed(history: History, at: int, record: Record) -> History:
    return [*history[:at], record, *history[at + 1 :]]


def without(history: History, indices: Iterable[int]) -> History:
    gone = set(indices)
    return [record for at, record in enumerate(history) if at not in gone]


def inserted(history: History, at: int, *records: Record) -> History:
    """Put records, at most nine, behind `at`: the world leaves that much time between two."""
    stamped = [replace(record, t=history[at].t + n) for n, record in enumerate(records, 1)]
    return [*history[: at + 1], *stamped, *history[at + 1 :]]


def appended(history: History, *records: Record) -> History:
    """Put records behind everything but the final reads."""
    return inserted(history, end(history), *records)


def end(history: History) -> int:
    """The index of the last record before the final reads."""
    return max(at for at, record in enumerate(history) if not isinstance(record, LogRead))


def attempt_name(history: History, place: int) -> int:
    """The `t` that the record at this place among the appended ones gets."""
    return history[end(history)].t + place


def with_logs(
    history: History, room: str, edit: Callable[[tuple[Entry, ...]], Iterable[Entry]]
) -> History:
    """Change a room's final log in every source alike."""
    return [
        replace(record, entries=tuple(edit(record.entries)))
        if isinstance(record, LogRead) and record.room == room
        else record
        for record in history
    ]
