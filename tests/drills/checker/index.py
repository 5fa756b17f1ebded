"""A whole history sorted into its rooms, in one pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.drills.checker.parts import Attempt, Session, Sight, Terms
from tests.drills.checker.room import Room
from tests.drills.history import (
    Closed,
    Delivered,
    Entry,
    Fail,
    Fault,
    Info,
    Invoke,
    Joined,
    LogRead,
    Ok,
    Page,
    Plan,
    Record,
)

# Accuses nobody: without a plan any reset may be due, and everyone may still have time.
UNPLANNED: Final = Plan(drill="unplanned", sources=(), settle_ns=2**63, replay_limit=-1)


@dataclass
class Run:
    """The rooms, the faults by (name, nth) and step, and what is wrong with the recording."""

    terms: Terms
    is_planned: bool
    rooms: dict[str, Room] = field(default_factory=dict)
    faults: dict[tuple[str, int], dict[str, Fault]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    attempts: dict[int, Attempt] = field(default_factory=dict)

    def room(self, name: str) -> Room:
        room = self.rooms.get(name)
        if room is None:
            room = self.rooms[name] = Room(name, self.terms)
        return room


def index(history: Sequence[Record], sanitise: Callable[[str], str]) -> Run:
    """Sort the history; whatever contradicts the recorder's rules lands in `Run.broken`."""
    plan = next((record for record in history if isinstance(record, Plan)), None)
    terms = Terms(plan or UNPLANNED, sanitise)
    run = Run(terms, is_planned=plan is not None)
    for line, record in enumerate(history, 1):
        if record.t <= terms.ended:
            run.broken.append(f"line {line}: the clock did not advance")
        terms.ended = max(terms.ended, record.t)
        _take(run, line, record)
    return run


def _take(run: Run, line: int, record: Record) -> None:
    match record:
        case Delivered():
            _take_delivery(run, line, record)
        case Invoke():
            _take_invoke(run, line, record)
        case Ok() | Fail() | Info():
            _take_answer(run, line, record)
        case Joined():
            _take_join(run, line, record)
        case Page():
            room = run.room(record.room)
            room.pages.append((line, record))
            _see(room, line, record.t, record.epoch, record.entries)
        case Closed():
            _take_close(run, record)
        case Fault():
            _take_fault(run, line, record)
        case LogRead():
            room = run.room(record.room)
            room.first_seen.setdefault(record.epoch, Sight(line, record.t))
            room.finals[record.source] = (line, record)
        case Plan():
            pass


def _see(room: Room, line: int, t: int, epoch: str, entries: Sequence[Entry]) -> None:
    room.first_seen.setdefault(epoch, Sight(line, t))
    shown = room.shown.setdefault(epoch, {})
    for entry in entries:
        if entry not in shown:
            shown[entry] = Sight(line, t)


def _take_delivery(run: Run, line: int, record: Delivered) -> None:
    room = run.room(record.room)
    _see(room, line, record.t, record.epoch, (record.entry,))
    sessions = room.sessions.get(record.device)
    if sessions and sessions[-1].is_open:
        sessions[-1].shown.append((line, record))
    else:
        room.outside.append((line, record))


def _take_invoke(run: Run, line: int, record: Invoke) -> None:
    attempt = run.attempts[record.t] = Attempt(line, record)
    room = run.room(record.room)
    room.attempts.setdefault((record.user, record.cid), []).append(attempt)


def _take_answer(run: Run, line: int, record: Ok | Fail | Info) -> None:
    run.terms.quiet = record.t
    attempt = run.attempts.get(record.attempt)
    if attempt is None or attempt.answer is not None:
        run.broken.append(f"line {line}: answers no open attempt")
        return
    attempt.answer, attempt.answer_line = record, line
    if isinstance(record, Ok) and record.epoch is not None:
        room = run.room(attempt.invoke.room)
        room.first_seen.setdefault(record.epoch, Sight(line, record.t))


def _take_join(run: Run, line: int, record: Joined) -> None:
    room = run.room(record.room)
    room.first_seen.setdefault(record.epoch, Sight(line, record.t))
    sessions = room.sessions.setdefault(record.device, [])
    if sessions:
        sessions[-1].is_open = False
    sessions.append(Session(line, record))


def _take_close(run: Run, record: Closed) -> None:
    for room in run.rooms.values():
        sessions = room.sessions.get(record.device)
        if sessions and record.room in {None, room.name}:
            sessions[-1].is_open = False


def _take_fault(run: Run, line: int, record: Fault) -> None:
    steps = run.faults.setdefault((record.name, record.nth), {})
    if (record.step == "start") == ("start" in steps):
        run.broken.append(f"line {line}: {record.name} can't {record.step} here")
    steps.setdefault(record.step, record)
    if record.step == "start" and record.loses_history:
        run.terms.losses.append(record.t)
    if record.step in {"heal", "end"}:
        run.terms.quiet = record.t
