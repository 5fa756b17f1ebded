"""Why a history without a breach may still prove nothing."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from tests.drills.checker.index import Run
from tests.drills.checker.sessions import is_behind, still_open
from tests.drills.history import Ok


def doubts(run: Run) -> Iterator[str]:
    """Give each reason for UNKNOWN as a sentence."""
    yield from run.broken
    if not run.is_planned:
        yield "the history has no plan"
    yield from _unproved(run)
    yield from _idle(run)
    yield from _unread(run)
    yield from _unseen_epoch(run)
    yield from _cut_short(run)


def _unproved(run: Run) -> Iterator[str]:
    """A fault that was planned or started has to be proved and ended."""
    started = {name for name, _ in run.faults}
    for name in run.terms.plan.faults:
        if name not in started:
            yield f"{name} was planned and never started"
    for (name, nth), steps in run.faults.items():
        for step in ("proved", "end"):
            if step not in steps:
                yield f"{name} #{nth} has no line that says {step}"


def _idle(run: Run) -> Iterator[str]:
    """A fault that hits an idle system shows nothing: its window needs acks, and so has the run."""
    acks = sorted(
        attempt.answer.t for attempt in run.attempts.values() if isinstance(attempt.answer, Ok)
    )
    if not acks:
        yield "nothing was acknowledged"
    for (name, nth), steps in run.faults.items():
        if "start" in steps and "end" in steps:
            within = bisect_right(acks, steps["end"].t) - bisect_left(acks, steps["start"].t)
            if within < run.terms.plan.acks_per_fault:
                yield f"{name} #{nth} saw {within} acks from start to end"


def _unread(run: Run) -> Iterator[str]:
    for room in run.rooms.values():
        for source in run.terms.plan.sources:
            if source not in room.finals:
                yield f"the final log of {room.name} was not read from {source}"
        if not room.finals:
            yield f"the final log of {room.name} was not read"


def _unseen_epoch(run: Run) -> Iterator[str]:
    """Where history may be lost, an ack needs an epoch that was seen before its publish."""
    for room in run.rooms.values():
        seen = min((sight.t for sight in room.first_seen.values()), default=run.terms.ended)
        if run.terms.losses and any(ack.invoked < seen for ack in room.acks):
            yield f"{room.name} was published to before its epoch was seen"


def _cut_short(run: Run) -> Iterator[str]:
    for room in run.rooms.values():
        for device, session, deadline in still_open(room):
            if run.terms.ended < deadline and is_behind(room, session):
                yield f"{device} still lacked some of {room.name}, and the recording ended"
