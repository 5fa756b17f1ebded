"""The loop of the simulation: time jumps, a seed gives the order, a standstill is seen."""

import asyncio
from random import Random
from time import monotonic

import pytest

from tests.simulation.clock import BIRTH_S, DeadlockError, VirtualLoop


def make(seed: int = 1, *, shuffle: bool = False) -> VirtualLoop:
    return VirtualLoop(Random(seed), shuffle=shuffle)  # type: ignore[abstract] # no sockets


def test_time_jumps() -> None:
    """An hour's sleep takes an hour of the loop's clock and nearly none of ours."""
    loop, began = make(), monotonic()
    loop.run_until_complete(asyncio.sleep(3600))
    assert 3600 <= loop.time() - BIRTH_S < 3600.1
    assert monotonic() - began < 5


def test_a_deadline_ends_a_wait() -> None:
    """asyncio.timeout works by the virtual clock."""

    async def wait() -> None:
        async with asyncio.timeout(5):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        make().run_until_complete(wait())


def order(seed: int, *, shuffle: bool) -> list[int]:
    """Return in which order twenty tasks run that are ready at once."""
    ran: list[int] = []

    async def note(number: int) -> None:
        await asyncio.sleep(0)
        ran.append(number)

    async def all_of_them() -> None:
        await asyncio.gather(*map(note, range(20)))

    make(seed, shuffle=shuffle).run_until_complete(all_of_them())
    return ran


def test_order_is_by_the_seed() -> None:
    """A seed gives one order, another seed another; without shuffling it is asyncio's."""
    assert order(1, shuffle=True) == order(1, shuffle=True) != order(2, shuffle=True)
    assert order(1, shuffle=False) == list(range(20))


def test_a_standstill_is_seen() -> None:
    """Waiting for what nobody will ever do is an error, not a hang."""

    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError):
        make().run_until_complete(wait())


def test_mistakes_are_kept() -> None:
    """An exception in a callback is kept for those who judge."""
    loop = make()
    loop.call_later(1, [].pop)
    loop.run_until_complete(asyncio.sleep(2))
    assert [type(mistake) for mistake in loop.mistakes] == [IndexError]
