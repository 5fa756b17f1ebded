"""Run the schedule of one seed, and judge it by the checker of the drills."""

import asyncio
import gc
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random
from unittest.mock import patch

import msgspec

from tests.drills.checker.check import Report, Verdict, check
from tests.drills.history import Record
from tests.simulation.clock import VirtualLoop
from tests.simulation.faults import break_things
from tests.simulation.world import LONGEST_S, Shape, World


@dataclass
class Outcome:
    """What became of one seed; `mistakes` are errors that nothing may raise, or a standstill."""

    seed: int
    report: Report
    records: list[Record]
    faults: list[str]
    virtual_s: float
    mistakes: list[BaseException] = field(default_factory=list)

    def lines(self) -> bytes:
        """Return the history as the drills store it."""
        return msgspec.json.Encoder().encode_lines(self.records)

    @property
    def verdict(self) -> Verdict:
        return Verdict.FAIL if self.mistakes else self.report.verdict

    @property
    def names(self) -> set[str]:
        """The invariants that were broken."""
        return self.report.names | {type(mistake).__name__ for mistake in self.mistakes}


def simulate(seed: int, kinds: Sequence[str] = ()) -> Outcome:
    """Return what becomes of a seed; the same each time, in one process or another.

    `kinds` says which faults come, together, instead of those that the seed draws.
    """
    random = Random(seed)
    shape = Shape.draw(random)
    chance = Random(random.random())
    shuffle = random.random() < 0.5
    loop = VirtualLoop(chance, shuffle=shuffle)  # type: ignore[abstract] # no sockets, no threads
    mistakes: list[BaseException] = []
    with _quiet(), _small(shape):
        asyncio._set_running_loop(loop)
        world = World(seed, loop, random, shape)
        faults: list[str] = []
        try:
            loop.run_until_complete(_run(world, seed, faults, kinds))
        except Exception as error:  # noqa: BLE001 - it is the outcome
            mistakes.append(error)
    mistakes += loop.mistakes
    records = world.tape.records
    return Outcome(seed, check(records), records, faults, loop.time() - 1000, mistakes)


async def _run(world: World, seed: int, faults: list[str], kinds: Sequence[str]) -> None:
    async with asyncio.timeout(LONGEST_S):
        world.plan(seed)
        await world.begin()
        breaking = asyncio.create_task(break_things(world, faults, kinds))
        await world.live()
        await breaking
        await world.end()


@contextmanager
def _quiet() -> Iterator[None]:
    """Switch off what costs time and is not judged: logs, and the collector of cycles."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        logging.disable(before)
        if enabled:
            gc.enable()


@contextmanager
def _small(shape: Shape) -> Iterator[None]:
    """Shrink the pages of catch-ups and gaps, so that small schedules turn them over."""
    with ExitStack() as stack:
        stack.enter_context(patch("chat.catchup.PAGE_EVENTS", shape.page))
        stack.enter_context(patch("chat.catchup.REPLAY", shape.replay))
        stack.enter_context(patch("chat.room.BUFFERED", shape.page))
        stack.enter_context(patch("resilience.feed.PAGE", shape.page))
        yield
