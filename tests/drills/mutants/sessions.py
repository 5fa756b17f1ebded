"""Sessions in which a broken server would leave a device."""

from itertools import pairwise
from random import Random

from msgspec.structs import replace

from tests.drills.history import Closed, Delivered, Joined, Place
from tests.drills.mutants.edit import (
    History,
    changed,
    every,
    inserted,
    log,
    pick,
    sessions,
    without,
)


def deliver_out_of_order(history: History, random: Random) -> History:
    """Two events reach a device in exchanged order."""
    (one, first), (two, second) = pick(random, _neighbours(history))
    swapped = changed(history, one, replace(first, entry=second.entry))
    return changed(swapped, two, replace(second, entry=first.entry))


def deliver_twice(history: History, random: Random) -> History:
    """An event reaches a device twice in one session."""
    (one, first), _ = pick(random, _neighbours(history))
    return inserted(history, one, first)


def skip_delivery(history: History, random: Random) -> History:
    """An event is left out, and the next one is shown."""
    (one, _), _ = pick(random, _neighbours(history))
    return without(history, [one])


def _neighbours(history: History) -> list[tuple[tuple[int, Delivered], tuple[int, Delivered]]]:
    """Give the pairs of deliveries that follow each other in a session, with their indices."""
    return [
        ((one - 1, first), (two - 1, second))
        for session in sessions(history)
        for (one, first), (two, second) in pairwise(session.shown)
    ]


def replay_held(history: History, random: Random) -> History:
    """A device that comes back is shown again the last event that it said it holds."""
    resumed = (
        (at, it, it.since.seq)
        for at, it in every(history, Joined)
        if it.since and not it.reset and it.since.seq
    )
    at, joined, seq = pick(random, resumed)
    entry = log(history, joined.room).entries[seq - 1]
    again = Delivered(device=joined.device, room=joined.room, epoch=joined.epoch, entry=entry)
    return inserted(history, at, again)


def skip_unowed(history: History, random: Random) -> History:
    """An answer that owed nothing shows old events, and leaves one of them out."""
    session = pick(
        random,
        (
            it
            for it in sessions(history)
            if not it.resumed and it.shown[2:] and it.shown[2][1].entry.seq <= it.joined.head
        ),
    )
    generous = changed(history, session.line - 1, replace(session.joined, owed=0))
    return without(generous, [session.shown[1][0] - 1])


def resume_too_far_on(history: History, random: Random) -> History:
    """A device comes back with a `since` that it never reached."""
    at, joined = pick(
        random,
        (
            (at, it)
            for at, it in every(history, Joined)
            if it.since and not it.reset and it.since.seq < it.head
        ),
    )
    assert joined.since
    since = Place(joined.since.epoch, joined.since.seq + 1)
    return changed(history, at, replace(joined, since=since))


def owe_nothing(history: History, random: Random) -> History:
    """A join shows none of the history that it owed, only what is live."""
    forgetful = [
        [line - 1 for line, it in session.shown if it.entry.seq <= session.joined.head]
        for session in sessions(history)
        if not session.resumed and session.shown[-1:] and session.start <= session.joined.head
        if session.shown[-1][1].entry.seq > session.joined.head
    ]
    return without(history, pick(random, forgetful))


def never_show_last(history: History, random: Random) -> History:
    """One device never sees the last event, as when its node is deaf."""
    line, _ = pick(random, (it.shown[-1] for it in sessions(history) if it.is_open and it.shown))
    return without(history, [line - 1])


def never_show_any(history: History, random: Random) -> History:
    """One device is joined to the end and sees nothing."""
    session = pick(random, (it for it in sessions(history) if it.is_open and it.shown))
    return without(history, [line - 1 for line, _ in session.shown])


def show_late(history: History, random: Random) -> History:
    """One device sees the last event long after all others."""
    session = pick(random, (it for it in sessions(history) if it.is_open and it.shown))
    line, last = session.shown[-1]
    assert last.entry.seq == len(log(history, last.room).entries)
    return [*without(history, [line - 1]), replace(last, t=history[-1].t + 1)]


def show_after_close(history: History, random: Random) -> History:
    """A device is shown an event after it left."""
    shown = list(every(history, Delivered))
    left = [
        (at, max(theirs)[1])
        for at, closed in every(history, Closed)
        if (theirs := [(i, i) for i, it in shown if it.device == closed.device and i < at])
    ]
    at, last = pick(random, left)
    again = history[last]
    assert isinstance(again, Delivered)
    return inserted(history, at, again)


def reset_for_other_reason(history: History, random: Random) -> History:
    """A device that is too far behind is told that the log was trimmed."""
    at, joined = pick(
        random, ((at, it) for at, it in every(history, Joined) if it.reset == "too_far")
    )
    return changed(history, at, replace(joined, reset="trimmed"))


def reset_needlessly(history: History, random: Random) -> History:
    """A device is reset as too far behind, and it was not."""
    at, joined = pick(
        random, ((at, it) for at, it in every(history, Joined) if it.since and not it.reset)
    )
    return changed(history, at, replace(joined, reset="too_far"))
