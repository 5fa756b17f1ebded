"""What a lane holds: it has an end in time, and leaves nothing behind."""

import asyncio
import gc
import weakref
from functools import partial

from chat.errors import Unavailable
from chat.log import Draft, Receipt, resolve
from resilience.holding import Budget, Holding
from tests.resilience.recorder import draft

HOLD_S = 0.05
MANY = 10


def adding(holding: Holding, said: Draft) -> asyncio.Future[Receipt]:
    """Add a draft; the future is its answer."""
    future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
    holding.add(said, partial(resolve, future))
    return future


async def test_what_nobody_takes_is_let_go() -> None:
    """Through an outage in which no lane takes anything, what has expired is held no longer."""
    holding = Holding(Budget(MANY, 10**6), HOLD_S)
    for _ in range(5):
        answers = [adding(holding, draft()) for _ in range(MANY)]
        assert len(holding) == MANY
        outcomes = await asyncio.gather(*answers, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        assert len(holding) == 0


async def test_what_is_put_back_is_let_go_in_its_time() -> None:
    """One that was taken and put back before a younger one ends first, and leaves that behind."""
    budget = Budget(MANY, 10**6)
    holding = Holding(budget, HOLD_S)
    old = adding(holding, draft())
    batch = holding.take(MANY)
    await asyncio.sleep(HOLD_S / 2)
    young = adding(holding, draft())
    holding.put_back(batch)
    for answer in (old, young):
        await asyncio.wait({answer})
        assert isinstance(answer.exception(), Unavailable)
        assert len(holding) == budget.messages == (not young.done())


async def test_what_is_answered_is_let_go_with_its_batch() -> None:
    """Nothing of a committed publish is kept until its time would have been over."""
    holding = Holding(Budget(MANY, 10**6), hold_s=60)
    answer = weakref.ref(adding(holding, draft()))
    batch = holding.take(MANY)
    holding.answer(batch[0], Receipt(1, 1))
    holding.put_back(batch)
    batch.clear()
    gc.collect()
    assert answer() is None


async def test_a_room_that_rests_keeps_its_order() -> None:
    """What rests is left out, however late it comes, and is taken in its order afterwards."""
    holding = Holding(Budget(MANY, 10**6), hold_s=60)
    said = [adding(holding, draft(room="ab"[n % 2], cid=f"c{n}")) for n in range(6)]
    holding.put_back(holding.take(4))
    holding.rest("a", HOLD_S)
    assert [held.draft.cid for held in holding.take(MANY)] == ["c1", "c3", "c5"]
    said.append(adding(holding, draft(room="a", cid="c6")))
    assert holding.take(MANY) == []
    rested = holding.rests
    holding.wake.clear()
    await holding.wake.wait()
    assert (rested, holding.rests) == (True, False)
    assert [held.draft.cid for held in holding.take(MANY)] == ["c0", "c2", "c4", "c6"]
    assert not any(answer.done() for answer in said)


async def test_what_rests_ends_in_its_time() -> None:
    """A rest longer than the hold time keeps nobody waiting, and nothing of it is sent."""
    holding = Holding(Budget(MANY, 10**6), HOLD_S)
    answer = adding(holding, draft())
    holding.rest("den", 2 * HOLD_S)
    assert holding.take(MANY) == []
    await asyncio.wait({answer})
    assert isinstance(answer.exception(), Unavailable)
    holding.wake.clear()
    await holding.wake.wait()
    assert holding.take(MANY) == []


async def test_what_is_answered_is_let_go_behind_what_is_not() -> None:
    """One that rests at the head keeps nothing of those that came and were answered after it."""
    holding = Holding(Budget(MANY, 10**6), hold_s=60)
    first = adding(holding, draft(room="stuck"))
    holding.rest("stuck", 60)
    answer = weakref.ref(adding(holding, draft()))
    (taken,) = holding.take(MANY)
    holding.answer(taken, Receipt(1, 1))
    holding.put_back([taken])
    del taken
    gc.collect()
    assert answer() is None
    assert not first.done()
    holding.close("the test is over")
    assert isinstance(first.exception(), Unavailable)


async def test_an_answer_that_fails_is_alone_with_that() -> None:
    """What a caller does wrong with its answer is reported, and the next is answered as well."""
    reported: list[dict[str, object]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context))
    budget = Budget(MANY, 10**6)
    holding = Holding(budget, hold_s=60)
    mistake = ValueError("not our day")

    def fail(_: Receipt | Exception) -> None:
        raise mistake

    assert holding.add(draft(), fail)
    other = adding(holding, draft(cid="c2"))
    for held in holding.take(MANY):
        holding.answer(held, Receipt(1, 1))
    assert await other == Receipt(1, 1)
    assert [context["exception"] for context in reported] == [mistake]
    assert budget.messages == 0
