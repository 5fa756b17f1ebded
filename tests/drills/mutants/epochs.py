"""Lost histories that a broken server would hide; each needs a history that lost something."""

from random import Random

from msgspec.structs import replace

from tests.drills.history import Closed, Delivered, Fault, Joined, Page, Record
from tests.drills.mutants.edit import History, NotHereError, changed, every, log, pick, without


def lose_without_cause(history: History, random: Random) -> History:
    """An epoch ended, and no fault had said at its start that it may lose history."""
    if not any(joined.reset == "epoch" for _, joined in every(history, Joined)):
        raise NotHereError
    return [
        replace(record, loses_history=record.step != "start")
        if isinstance(record, Fault)
        else record
        for record in history
    ]


def keep_epoch(history: History, random: Random) -> History:
    """History was lost and the same numbers go on under the same epoch (Centrifugo's hole)."""
    places: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for _, it in every(history, Delivered):
        places.setdefault((_old(it.epoch), it.entry.seq), set()).add(it.entry.key)
    pick(random, (keys for keys in places.values() if len(keys) > 1))
    return [_in_old_epoch(record) for record in history]


def _in_old_epoch(record: Record) -> Record:
    if isinstance(record, Joined) and record.since:
        since = replace(record.since, epoch=_old(record.since.epoch))
        record = replace(record, since=since)
    epoch = getattr(record, "epoch", None)
    return replace(record, epoch=_old(epoch)) if epoch else record


def _old(epoch: str) -> str:
    """The world marks each new epoch of a room by one more of these."""
    return epoch.rstrip("'")


def lead_on(history: History, random: Random) -> History:
    """A device that holds a lost epoch is resumed in the new one without a word."""
    at, joined = pick(
        random, ((at, it) for at, it in every(history, Joined) if it.reset == "epoch")
    )
    return changed(history, at, replace(joined, reset=None))


def leave_behind(history: History, random: Random) -> History:
    """A device stays in the lost epoch and is never told."""
    at, own = _reset(history, random)
    return without(history, [*_ends(history, own, at), *(i for i in own if i >= at)])


def carry_on(history: History, random: Random) -> History:
    """The events of the new epoch go on in a session of the lost one, without a join."""
    at, own = _reset(history, random)
    after = own[own.index(at) + 1 :]
    if not after or not isinstance(history[after[0]], Delivered):
        raise NotHereError
    return without(history, [at, *_ends(history, own, at)])


def _reset(history: History, random: Random) -> tuple[int, list[int]]:
    """Choose a join that a new epoch reset; return its index, and all of its device's."""
    at, joined = pick(
        random, ((at, it) for at, it in every(history, Joined) if it.reset == "epoch")
    )
    own = [
        i
        for i, it in enumerate(history)
        if isinstance(it, Joined | Delivered | Closed) and it.device == joined.device
    ]
    return at, own


def _ends(history: History, own: list[int], at: int) -> list[int]:
    """Give the device's closes between its join at `at` and the join before."""
    before = max((i for i in own if i < at and isinstance(history[i], Joined)), default=at)
    return [i for i in own if before < i < at and isinstance(history[i], Closed)]


def read_lost_epoch(history: History, random: Random) -> History:
    """A page, begun after the new epoch was shown, is read in the old one."""
    shown = {
        room: next(
            (it.t for _, it in every(history, Delivered) if it.epoch == log(history, room).epoch),
            history[-1].t,
        )
        for room in {it.room for _, it in every(history, Page)}
    }
    late = [
        (at, page)
        for at, page in every(history, Page)
        if page.epoch.endswith("'") and page.began > shown[page.room]
    ]
    at, page = pick(random, late)
    stale = replace(page, epoch=_old(page.epoch), head=0, entries=(), after=None, before=None)
    return changed(history, at, stale)
