"""Answers owed within one time: kept, given up, or failed in their order."""

import asyncio

import pytest

from chat.errors import Unavailable
from resilience.promises import Promises

TIME_S = 0.2


async def test_each_has_its_own_time() -> None:
    """What is not answered fails after its time, and not before; what came later fails later."""
    promises: Promises[str] = Promises(TIME_S)
    loop = asyncio.get_running_loop()

    async def waited(pause_s: float) -> float:
        await asyncio.sleep(pause_s)
        begun = loop.time()
        with pytest.raises(Unavailable):
            await promises.new()
        return loop.time() - begun

    times = await asyncio.gather(*(waited(place * TIME_S / 4) for place in range(3)))
    assert min(times) >= TIME_S - 0.01


async def test_the_answered_and_the_cancelled_are_left_alone() -> None:
    """An answer stays what it is, a waiter that is cancelled is no error, the last one fails."""
    promises: Promises[str] = Promises(TIME_S)
    answered, cancelled, owed = promises.new(), promises.new(), promises.new()
    answered.set_result("yes")
    cancelled.cancel()
    with pytest.raises(Unavailable):
        await owed
    assert await answered == "yes"
    assert cancelled.cancelled()


async def test_what_is_answered_is_not_kept() -> None:
    """Behind one that is never answered the others' answers are let go of."""
    promises: Promises[str] = Promises(100 * TIME_S)
    owed = promises.new()
    answers = [promises.new() for _ in range(100)]
    for answer in answers:
        answer.set_result("yes")
    await asyncio.gather(*answers)
    assert list(promises._owed) == [owed]


async def test_the_next_ones_have_their_time_too() -> None:
    """After all were answered and some time has passed, a new one still fails in its time."""
    promises: Promises[str] = Promises(TIME_S)
    promises.new().set_result("yes")
    await asyncio.sleep(1.5 * TIME_S)
    async with asyncio.timeout(10 * TIME_S):
        with pytest.raises(Unavailable):
            await promises.new()
