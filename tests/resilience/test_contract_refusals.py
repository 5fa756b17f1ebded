"""`MessageLog.append` says no: a key used for other content, a user who says too much."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest

from chat.errors import Refusal
from chat.log import Draft, MessageLog, Receipt
from tests.resilience.nodes import OpenNode
from tests.resilience.recorder import draft, texts

LIMIT = 5
SHORT_S = 1


async def outcomes(log: MessageLog, drafts: Sequence[Draft]) -> list[Receipt | Refusal]:
    """Append all at once and return what became of each."""
    answers = await asyncio.gather(*map(log.append, drafts), return_exceptions=True)
    assert all(isinstance(answer, Receipt | Refusal) for answer in answers)
    return [answer for answer in answers if isinstance(answer, Receipt | Refusal)]


async def refused(log: MessageLog, said: Draft) -> Refusal:
    """Append a draft that must be refused, and return how."""
    with pytest.raises(Refusal) as caught:
        await log.append(said)
    return caught.value


@pytest.fixture
async def limited(open_node: OpenNode) -> MessageLog:
    """A log that takes five messages of a user in any minute."""
    return (await open_node(publish=(LIMIT, 60))).log


@pytest.fixture
async def short(open_node: OpenNode) -> MessageLog:
    """A log that takes five messages of a user in any second."""
    return (await open_node(publish=(LIMIT, SHORT_S))).log


async def test_other_content_under_a_key_is_a_conflict(log: MessageLog) -> None:
    """Another text under a used key is refused for good, and what was first stays as it was."""
    first = await log.append(draft("one", cid="k"))
    refusal = await refused(log, draft("two", cid="k"))
    assert (refusal.code, refusal.retry_ms) == ("conflict", None)
    assert texts((await log.read("den", limit=10)).events) == ["one"]
    assert await log.append(draft("one", cid="k")) == Receipt(first.seq, first.ts, dup=True)


async def test_a_conflict_within_one_burst(log: MessageLog) -> None:
    """Of two contents under one key in one burst the first call wins, its neighbours go on."""
    burst = [draft("one", cid="k"), draft("two", cid="k"), draft("three")]
    one, two, three = await outcomes(log, burst)
    assert isinstance(one, Receipt)
    assert isinstance(two, Refusal)
    assert isinstance(three, Receipt)
    assert (one.seq, two.code, three.seq) == (1, "conflict", 2)


async def test_the_rate_is_exact_in_parallel(limited: MessageLog) -> None:
    """Of twenty appends at once exactly the first five are taken, the rest told when to return."""
    results = await outcomes(limited, [draft() for _ in range(20)])
    assert [isinstance(result, Receipt) for result in results] == [True] * 5 + [False] * 15
    for refusal in results[LIMIT:]:
        assert isinstance(refusal, Refusal)
        assert refusal.code == "rate_limited"
        assert 50_000 < (refusal.retry_ms or 0) <= 60_001


async def test_the_rate_is_of_the_user(limited: MessageLog) -> None:
    """A user's messages count together over all rooms, another user's do not count."""
    rooms = [f"room{index}" for index in range(LIMIT)]
    await outcomes(limited, [draft(room=room) for room in rooms])
    assert (await refused(limited, draft(room="elsewhere"))).code == "rate_limited"
    assert (await limited.append(draft(user="bo"))).seq == 1


async def test_a_retry_is_neither_charged_nor_refused(limited: MessageLog) -> None:
    """Retries cost nothing before the limit, and are answered beyond it."""
    said = draft()
    first = await limited.append(said)
    await outcomes(limited, [said] * 20)
    rest = await outcomes(limited, [draft() for _ in range(LIMIT - 1)])
    assert all(isinstance(result, Receipt) for result in rest)
    assert (await refused(limited, draft())).code == "rate_limited"
    assert await limited.append(said) == Receipt(first.seq, first.ts, dup=True)


async def test_the_key_is_looked_at_before_the_rate(limited: MessageLog) -> None:
    """A conflict is not charged, and stays a conflict beyond the limit."""
    await limited.append(draft("one", cid="k"))
    for _ in range(LIMIT):
        assert (await refused(limited, draft("two", cid="k"))).code == "conflict"
    rest = await outcomes(limited, [draft() for _ in range(LIMIT - 1)])
    assert all(isinstance(result, Receipt) for result in rest)
    assert (await refused(limited, draft("two", cid="k"))).code == "conflict"


async def test_what_is_refused_takes_no_place(limited: MessageLog) -> None:
    """The places stay dense when appends between them are refused."""
    drafts = [draft(user=user) for user in ["ann"] * 8 + ["bo"] * 3]
    results = await outcomes(limited, drafts)
    seqs = [result.seq for result in results if isinstance(result, Receipt)]
    assert seqs == list(range(1, LIMIT + 4))
    assert (await limited.read("den", limit=1)).head == LIMIT + 3


async def test_the_time_to_wait_is_enough(short: MessageLog) -> None:
    """After `retry_ms` the same draft is taken, as new: a refusal leaves no key behind."""
    await outcomes(short, [draft() for _ in range(LIMIT)])
    late = draft()
    refusal = await refused(short, late)
    assert 0 < (refusal.retry_ms or 0) <= SHORT_S * 1000 + 1
    await asyncio.sleep((refusal.retry_ms or 0) / 1000)
    receipt = await short.append(late)
    assert (receipt.seq, receipt.dup) == (LIMIT + 1, False)


async def test_no_window_holds_more_than_the_limit(short: MessageLog) -> None:
    """Of a user who keeps trying, any six messages taken span more than the window."""
    taken: list[int] = []
    loop = asyncio.get_running_loop()
    end = loop.time() + 2.5 * SHORT_S
    while loop.time() < end:
        try:
            taken.append((await short.append(draft())).ts)
        except Refusal:
            await asyncio.sleep(0.01)
    assert len(taken) == LIMIT * 3
    # The place's time may be read a moment from where the rate's was, and is cut to milliseconds.
    spans = [late - early for early, late in zip(taken, taken[LIMIT:], strict=False)]
    assert min(spans) >= SHORT_S * 1000 - 5
    assert all(late >= early for early, late in pairwise(taken))
