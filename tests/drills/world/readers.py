"""Who looks at a small world: readers of pages, and devices that come and go."""

from collections.abc import Generator
from typing import Final

from tests.drills.history import Closed, Delivered, Joined, Page, Place
from tests.drills.world.stage import Actor, Log, Room, World

RESET_EVENTS: Final = 3  # instead of the 50 of `chat.v1`, so that short histories reset too


def read(world: World) -> Actor:
    """Read pages of all kinds while anything is written."""
    while not world.is_quiet:
        yield
        if world.chance(0.1):
            yield from read_page(world, world.random.choice(world.rooms))


def read_page(world: World, room: Room) -> Actor:
    began = world.recorder.now()
    yield
    log, head = room.log, len(room.log.entries)
    limit, edge = world.random.randint(1, 6), world.random.randint(0, head)
    kind = world.random.choice(("last", "after", "before"))
    first = {"last": head - limit, "after": edge, "before": edge - 1 - limit}[kind]
    end = {"last": head, "after": min(head, edge + limit), "before": max(edge - 1, 0)}[kind]
    entries = tuple(log.entries[max(first, 0) : end])
    yield
    world.recorder.add(
        Page(
            began=began,
            room=room.name,
            epoch=log.epoch,
            head=head,
            limit=limit,
            entries=entries,
            after=edge if kind == "after" else None,
            before=edge if kind == "before" else None,
        )
    )


def listen(world: World, device: str, room: Room) -> Actor:
    """Join, follow, and come back after each end; stay when all is quiet, or leave for ever."""
    held: Place | None = None
    while True:
        log, held = yield from join(world, device, room, held)
        held, stays = yield from follow(world, device, room, log, held)
        if stays:
            return
        leaves = world.chance(0.05)
        if leaves or world.chance(0.8):  # else it joins again on the same socket
            only = room.name if world.chance(0.5) else None
            world.recorder.add(Closed(device=device, room=only, code=4301))
        if leaves:
            return
        if world.chance(0.1):
            held = None


def join(
    world: World, device: str, room: Room, held: Place | None
) -> Generator[None, None, tuple[Log, Place]]:
    """Record a join's answer; return the log that it is about, and what the device then holds."""
    began = world.recorder.now()
    yield
    log, head = room.log, len(room.log.entries)
    reset = reason_to_reset(held, log.epoch, head, world.shape.replay_limit)
    owed = world.random.randint(0, 5) if held is None else RESET_EVENTS if reset else 0
    yield
    world.recorder.add(
        Joined(
            began=began,
            device=device,
            room=room.name,
            epoch=log.epoch,
            head=head,
            since=held,
            reset=reset,
            owed=owed,
        )
    )
    return log, held if held and not reset else Place(log.epoch, max(0, head - owed))


def reason_to_reset(held: Place | None, epoch: str, head: int, limit: int) -> str | None:
    if held is None:
        return None
    if held.epoch != epoch:
        return "epoch"
    return "too_far" if head - held.seq > limit else None


def follow(
    world: World, device: str, room: Room, log: Log, held: Place
) -> Generator[None, None, tuple[Place, bool]]:
    """Show what the log has and gets; return what the device holds, and whether it stays.

    A log that was replaced goes on being shown for a while: those events are on their way.
    """
    resumed = len(log.entries)
    while True:
        yield
        if log is not room.log and world.chance(0.3):
            return held, False
        if held.seq < len(log.entries):
            entry = log.entries[held.seq]
            resume = entry.seq <= resumed
            world.recorder.add(
                Delivered(
                    device=device, room=room.name, epoch=log.epoch, entry=entry, resume=resume
                )
            )
            held = Place(log.epoch, entry.seq)
        elif world.is_quiet and log is room.log:
            return held, True
        if not world.is_quiet and world.chance(world.shape.restless):
            return held, False
