"""The log in memory: one commit a turn, clocks that misbehave, nothing kept for nothing."""

import asyncio

import pytest

from chat.errors import Refusal, Unavailable
from chat.log import Receipt
from resilience.log_memory import BATCH, MemoryLog
from resilience.options import EngineOptions
from tests.resilience.recorder import Recorder, draft, texts


class Clocks:
    """A wall clock (epoch milliseconds) and a monotonic one (seconds) that a test moves."""

    def __init__(self) -> None:
        self.ms = 1_760_000_000_000
        self.s = 1_000.0

    def wall(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.s


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def heard() -> Recorder:
    return Recorder()


@pytest.fixture
async def log(heard: Recorder, clocks: Clocks) -> MemoryLog:
    options = EngineOptions(publish=(2_000, 60), history=10)
    return MemoryLog(heard, options, epoch="e", clock=clocks.monotonic, wall=clocks.wall)


async def test_a_turn_is_told_once_per_room(log: MemoryLog, heard: Recorder) -> None:
    """What is appended in one turn of the loop reaches the listener in one call per room."""
    await log.follow("a")
    await log.follow("b")
    answers = [log.append(draft(room=room)) for room in "aabba"]
    assert heard.commits == []
    await asyncio.gather(*answers)
    told = [(commit.room, len(commit.events)) for commit in heard.commits]
    assert told == [("a", 3), ("b", 2)]


async def test_nothing_is_shown_before_its_turn(log: MemoryLog) -> None:
    """What is pending is in no page and moves no position."""
    answer = log.append(draft())
    assert (await log.read("den", limit=10)).head == 0
    assert (await log.follow("den")).seq == 0
    assert (await answer).seq == 1


async def test_a_turn_with_very_many_is_bounded(log: MemoryLog, heard: Recorder) -> None:
    """Pending appends never exceed the bound: a full batch is decided at once."""
    await log.follow("den")
    answers = [log.append(draft()) for _ in range(BATCH + 1)]
    assert [answer.done() for answer in answers] == [True] * BATCH + [False]
    assert [receipt.seq for receipt in await asyncio.gather(*answers)] == list(range(1, BATCH + 2))
    assert heard.seqs() == list(range(1, BATCH + 2))


async def test_history_is_exact(log: MemoryLog) -> None:
    """Just as many events are kept as asked for, the newest."""
    answers = [log.append(draft(f"{seq}")) for seq in range(1, 26)]
    await asyncio.gather(*answers)
    page = await log.read("den", after=0, limit=99)
    assert (page.tail, page.head) == (16, 25)
    assert texts(page.events) == [f"{seq}" for seq in range(16, 26)]


async def test_a_wall_clock_set_back_does_not_reorder(log: MemoryLog, clocks: Clocks) -> None:
    """When the wall clock jumps back by an hour, the time of a room stands still."""
    before = await log.append(draft())
    clocks.ms -= 3_600_000
    after = await log.append(draft())
    elsewhere = await log.append(draft(room="lounge"))
    assert (after.ts, elsewhere.ts) == (before.ts, clocks.ms)


async def test_the_wall_clock_does_not_rule_the_rate(log: MemoryLog, clocks: Clocks) -> None:
    """An hour on the wall opens no window, a minute of the monotonic clock does."""
    await asyncio.gather(*[log.append(draft()) for _ in range(2_000)])
    clocks.ms += 3_600_000
    with pytest.raises(Refusal, match="rate_limited"):
        await log.append(draft())
    clocks.s += 60
    assert not (await log.append(draft())).dup


async def test_a_key_outlives_its_event(log: MemoryLog, clocks: Clocks) -> None:
    """A retry of what is trimmed names its place still, until the key's time is over."""
    said = draft()
    await log.append(said)
    await asyncio.gather(*[log.append(draft()) for _ in range(20)])
    assert (await log.append(said)).seq == 1
    clocks.s += EngineOptions().dedup_s
    assert await log.append(said) == Receipt(22, clocks.ms)


async def test_rooms_without_history_cost_nothing(log: MemoryLog) -> None:
    """Reading, following and leaving rooms nobody wrote to keeps nothing of them."""
    for index in range(100):
        await log.read(f"r{index}", limit=10)
        await log.follow(f"r{index}")
        log.unfollow(f"r{index}")
    assert log.statistics() == {"rooms": 0, "events": 0, "keys": 0, "users": 0}
    assert log.followed == set()


async def test_statistics_count_what_is_kept(log: MemoryLog) -> None:
    """Rooms, events still kept, keys and users with a rate are counted."""
    drafts = [draft(user="ann") for _ in range(12)] + [draft(room="lounge", user="bo")]
    await asyncio.gather(*map(log.append, drafts))
    assert log.statistics() == {"rooms": 2, "events": 11, "keys": 13, "users": 2}


async def test_a_closed_log_takes_nothing(log: MemoryLog) -> None:
    """What is pending at the end is settled, what comes later is refused and leaves no trace."""
    pending = log.append(draft())
    log.close()
    assert pending.result().seq == 1
    with pytest.raises(Unavailable):
        await log.append(draft())
    assert (await log.read("den", limit=10)).head == 1
