"""Random histories of a server that keeps every promise: what the checker must never call a FAIL.

A small world of actors, each a generator that a seeded scheduler moves from one event to the next,
around rooms whose log is atomic. Everything that is legal happens: refusals, lost answers, writes
that land after their `info`, retries, conflicts, reconnects with and without a copy, resets, pages,
and faults after which a room keeps only a beginning of its log, under a new epoch.
"""

from typing import Final

from tests.drills.history import LogRead, Page, Plan, Record, parse
from tests.drills.world.readers import listen, read
from tests.drills.world.stage import Shape, World
from tests.drills.world.writers import break_things, publish

SOURCES: Final = ("server-1", "server-2", "master", "replica-1", "replica-2")
SETTLE_NS: Final = 60_000_000_000  # longer than any of these worlds takes to drain
USUAL: Final = Shape()


def legal(seed: int, shape: Shape = USUAL) -> list[Record]:
    """Return a legal history, the same for the same arguments; it needs a publisher."""
    world = World(seed, shape)
    open_history(world, f"legal-{seed}")
    world.start(break_things(world), writes=True)
    for n in range(shape.publishers):
        world.start(publish(world, f"user-{n}"), writes=True)
    for _ in range(shape.readers):
        world.start(read(world))
    for n in range(shape.devices):
        world.start(listen(world, f"device-{n}", world.rooms[n % shape.rooms]))
    world.run()
    close_history(world)
    return parse(world.stream.getvalue())


def open_history(world: World, drill: str) -> None:
    """Say the plan, and look at each room before anyone writes to it."""
    plan = Plan(
        drill=drill,
        faults=tuple(f"F{n:02}" for n in range(len(world.shape.faults))),
        sources=SOURCES,
        acks_per_fault=world.shape.acks_per_fault,
        settle_ns=SETTLE_NS,
        replay_limit=world.shape.replay_limit,
    )
    world.recorder.add(plan)
    for room in world.rooms:
        began, epoch = world.recorder.now(), room.log.epoch
        page = Page(began=began, room=room.name, epoch=epoch, head=0, limit=1, entries=())
        world.recorder.add(page)


def close_history(world: World) -> None:
    """Wait the settling time out and read each log from everywhere."""
    world.rest(SETTLE_NS)
    for room in world.rooms:
        entries, epoch = tuple(room.log.entries), room.log.epoch
        for source in SOURCES:
            log = LogRead(source=source, room=room.name, epoch=epoch, entries=entries)
            world.recorder.add(log)
