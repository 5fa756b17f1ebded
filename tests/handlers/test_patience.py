"""Deadlines that a slow reader does not bring nearer."""

import asyncio

import pytest

from chat.errors import Unavailable
from handlers.patience import Patience

HOLD_S = 0.2
LATE_S = 0.5  # on a busy machine


async def cut(patience: Patience, since: float) -> float:
    """Wait until a deadline cuts it short; return for how long."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    with pytest.raises(Unavailable) as caught:
        async with patience.held(since):
            await asyncio.Event().wait()
    assert caught.value.retry_ms
    return loop.time() - begun


async def test_what_is_held_is_cut_in_its_time() -> None:
    """Counted from when it came, whenever it began: what comes to its turn too late is cut then."""
    patience = Patience(HOLD_S)
    since = patience.now()
    assert HOLD_S <= await cut(patience, since) < HOLD_S + LATE_S
    assert await cut(patience, since) < HOLD_S


async def test_what_is_lifted_takes_its_time() -> None:
    """Without its deadline it lasts, through waits for the reader too."""
    patience = Patience(HOLD_S)
    async with patience.held(patience.now()) as deadline:
        patience.lift(deadline)
        with patience.waiting_for_reader():
            patience.lift(deadline)
        await asyncio.sleep(2 * HOLD_S)


async def test_waits_for_the_reader_do_not_count() -> None:
    """Two that overlap count once, for who came before them and for who came amid them."""
    patience = Patience(HOLD_S)
    since = patience.now()
    before = asyncio.create_task(cut(patience, since))
    await asyncio.sleep(0)
    with patience.waiting_for_reader():
        with patience.waiting_for_reader():
            amid = asyncio.create_task(cut(patience, patience.now()))
            await asyncio.sleep(2 * HOLD_S)
        await asyncio.sleep(HOLD_S)
        assert patience.now() - since < HOLD_S
    assert 4 * HOLD_S <= await before < 4 * HOLD_S + LATE_S
    assert 4 * HOLD_S <= await amid < 4 * HOLD_S + LATE_S


async def test_a_wait_for_the_reader_comes_too_late_for_who_is_cut() -> None:
    """One whose time is over, and whose task has not heard of it, is left alone."""
    patience = Patience(HOLD_S)
    waits: list[float] = []

    def wait() -> None:
        with patience.waiting_for_reader():
            waits.append(patience.now())

    async def late() -> None:
        async with patience.held(patience.now() - HOLD_S):
            asyncio.get_running_loop().call_soon(wait)  # right behind the end of the deadline
            await asyncio.Event().wait()

    with pytest.raises(Unavailable):
        await late()
    assert waits


async def test_who_is_cancelled_is_not_unavailable() -> None:
    """A connection that ends takes its joins along, and no deadline of theirs is left."""
    patience = Patience(HOLD_S)
    task = asyncio.create_task(cut(patience, patience.now()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with patience.waiting_for_reader():
        pass
