"""Faults by the seed: begun, proved, healed, ended; one after the other, some on top of another."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Final

from tests.drills.history import Fault
from tests.simulation import cuts, deaths, lapses
from tests.simulation.harm import PATIENCE_S, Harm, until

if TYPE_CHECKING:
    from tests.simulation.world import World

ACKS: Final = 2  # that a fault's window must hold
FIRST_S: Final = (0.05, 1.5)
BETWEEN_S: Final = (0.0, 3.0)
CALM: Final = 0.6  # the share of faults that wait until all is well after the one before
WHOLE_S: Final = 20.0
_LOOK_S: Final = 0.05

# Likelier ones first; each is a generator of one fault's steps.
KINDS: Final[dict[str, tuple[int, Callable[["World", Random], Harm]]]] = {
    "kill master": (6, deaths.kill_master),
    "hang master": (6, cuts.hang_master),
    "planned failover": (6, cuts.planned_failover),
    "isolate master": (5, cuts.isolate_master),
    "master and clients cut off": (3, cuts.isolate_master_and_chat),
    "lag, then master dies": (6, deaths.lag_and_kill),
    "lag, then planned failover": (5, cuts.lag_and_failover),
    "stall, then master dies": (4, deaths.stall_and_kill),
    "kill replica": (3, deaths.kill_replica),
    "hang replica": (3, cuts.hang_replica),
    "replies lost": (5, lapses.lose_replies),
    "replies lost, then master dies": (3, deaths.lose_replies_and_kill),
    "links dropped": (3, lapses.drop_links),
    "scripts flushed": (2, lapses.flush_scripts),
    "chat node dies": (3, deaths.kill_chat),
    "chat node cut from master": (3, cuts.cut_chat),
    "half-open link": (2, cuts.half_open),
    "sentinel dies": (2, deaths.kill_sentinel),
    "sentinels deaf": (2, cuts.hang_sentinels),
    "news lost": (3, lapses.lose_news),
    "slow": (2, cuts.slow),
    "clocks jump": (2, lapses.jump_clocks),
    "no memory": (2, lapses.no_memory),
    "all die, disks kept": (3, deaths.kill_all),
    "all come back empty": (2, deaths.empty_all),
    "master comes back empty": (2, deaths.empty_master),
    "master and up-to-date replica die": (3, deaths.lose_two),
}
# What takes a Redis away from the others, or makes another one the master. Begun while one does not
# follow it is a second fault: Sentinel may elect that one, by the offset of another history or by
# an INFO of up to 10 s ago, and what the two others hold is lost. That must be said.
SECOND: Final = frozenset(
    {
        "kill master",
        "hang master",
        "planned failover",
        "isolate master",
        "master and clients cut off",
        "lag, then master dies",
        "lag, then planned failover",
        "stall, then master dies",
        "kill replica",
        "hang replica",
        "replies lost, then master dies",
        "sentinels deaf",
        "all die, disks kept",
    }
)
# What may happen on top of another fault without being a second loss of a Redis.
BESIDE: Final = (
    "replies lost",
    "links dropped",
    "scripts flushed",
    "chat node dies",
    "news lost",
    "slow",
    "clocks jump",
    "sentinel dies",
)

BETWEEN_NODES: Final = frozenset({"news lost"})  # where there is one node, nothing is said


async def break_things(world: "World", told: list[str], kinds: Sequence[str] = ()) -> None:
    """Let the faults of this seed happen, one after the other.

    With `kinds` each is the first of these, with the others on top of it.
    """
    random = world.fork()
    await asyncio.sleep(random.uniform(*FIRST_S))
    for nth in range(world.shape.faults):
        first, *others = kinds or _draw(random, alone=len(world.chats) == 1)
        told += [first, *(f"+ {other}" for other in others)]
        if random.random() < CALM:
            await until(world.is_whole, WHOLE_S)
        await asyncio.gather(
            _break(world, random, first, nth),
            *(_later(world, random, other, nth) for other in others),
        )
        await asyncio.sleep(random.uniform(*BETWEEN_S))
    world.faults_over.set()


def _draw(random: Random, *, alone: bool) -> list[str]:
    """Return a fault, and now and then another one on top of it; `alone`: of a single node."""
    possible = [name for name in KINDS if not (alone and name in BETWEEN_NODES)]
    names = random.choices(possible, [KINDS[name][0] for name in possible])
    if random.random() < 0.25:
        names.append(random.choice([name for name in BESIDE if name in possible]))
    return list(dict.fromkeys(names))


async def _later(world: "World", random: Random, name: str, nth: int) -> None:
    await asyncio.sleep(random.uniform(0, 3))
    await _break(world, random, name, nth)


async def _break(world: "World", random: Random, name: str, nth: int) -> None:
    """Carry one fault through, and record its steps."""
    said = f"{name} {nth}"
    tape, loop, before = world.tape, world.loop, world.acked
    harm = KINDS[name][1](world, random)
    loses = await anext(harm) or (name in SECOND and not world.is_whole())
    tape.add(Fault(name=said, step="start", loses_history=loses))
    world.losing += loses
    async with asyncio.timeout(PATIENCE_S):
        if await anext(harm):
            tape.add(Fault(name=said, step="proved", said="seen in the model"))
        async for _ in harm:
            pass
    tape.add(Fault(name=said, step="heal"))
    if loses:  # it is over when something is acknowledged again: by then the loss has been said
        before = world.acked
    end = loop.time() + PATIENCE_S
    while world.acked < before + ACKS and loop.time() < end:
        await asyncio.sleep(_LOOK_S)
    tape.add(Fault(name=said, step="end"))
    world.losing -= loses
