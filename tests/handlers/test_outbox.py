"""The outbox: one write per turn, slow readers' end, and nothing after goodbye."""

import asyncio
from typing import Any, cast

import pytest

from chat.closes import KICKED, SLOW_CONSUMER
from handlers.outbox import BOUND, CROWD, SLICE, SLOW, Outbox, Tick
from handlers.wire import close_frame, frame


class Pipe:
    """A transport that keeps what is written, and as much unsent as it is told."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.unsent = 0
        self.closing = False
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        assert high == low == BOUND

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.aborted = True


def outbox(tick: Tick | None = None) -> tuple[Outbox, Pipe]:
    pipe = Pipe()
    return Outbox(cast("asyncio.Transport", pipe), tick or Tick()), pipe


class Stopwatch:
    """What is traced, and how many had been written to when it was told so."""

    def __init__(self, pipes: list[Pipe]) -> None:
        self._pipes = pipes
        self.seen: list[int] = []

    def written(self, first_ns: int, last_ns: int) -> None:
        assert first_ns <= last_ns
        self.seen.append(written(self._pipes))


def written(pipes: list[Pipe]) -> int:
    return sum(bool(pipe.writes) for pipe in pipes)


async def crowd(tick: Tick, payload: bytes) -> tuple[list[Outbox], list[Pipe]]:
    """Send this to more than are written to at once, and let one turn write."""
    boxes, pipes = zip(*[outbox(tick) for _ in range(CROWD + 1)], strict=True)
    for box in boxes:
        box.send(payload)
    await asyncio.sleep(0)
    return list(boxes), list(pipes)


async def test_a_mistake_in_a_room_silences_nobody() -> None:
    """When handing out fails, what has gathered is written all the same, and so is the rest."""
    tick = Tick()
    box, pipe = outbox(tick)
    mistakes: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: mistakes.append(context))
    failures = iter([ValueError])

    def flush_hub() -> tuple[()]:
        for failure in failures:
            raise failure
        return ()

    tick.flush_hub = flush_hub
    box.send(b"first")
    await turn()
    await turn()
    box.send(b"second")
    await turn()
    assert pipe.writes == [frame(b"first"), frame(b"second")]
    assert [type(mistake["exception"]) for mistake in mistakes] == [ValueError]


async def turn() -> None:
    """Let the loop go round twice: once for the tick to run, once for what it caused."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_one_write_per_turn() -> None:
    """All that is offered in a turn leaves in one write, in order."""
    box, pipe = outbox()
    box.send(b"a")
    box.offer(frame(b"b"))
    box.send(b"c")
    assert pipe.writes == []
    await turn()
    assert pipe.writes == [frame(b"a") + frame(b"b") + frame(b"c")]


async def test_a_crowd_holds_nobody_up() -> None:
    """Between two slices of a crowd the others are read, and written to first."""
    tick = Tick()
    _, pipes = await crowd(tick, b"to all")
    assert written(pipes) == SLICE
    other, pipe = outbox(tick)
    other.send(b"to one")
    await asyncio.sleep(0)
    assert pipe.writes == [frame(b"to one")]
    assert written(pipes) == 2 * SLICE
    for _ in range(CROWD // SLICE):
        await asyncio.sleep(0)
    assert all(each.writes == [frame(b"to all")] for each in pipes)


async def test_what_is_said_to_a_crowd_meanwhile_comes_once_and_in_order() -> None:
    """Who has not been written to yet gets both in one write, the others in two."""
    tick = Tick()
    boxes, pipes = await crowd(tick, b"1")
    for box in boxes:
        box.send(b"2")
    for _ in range(2 * CROWD // SLICE):
        await asyncio.sleep(0)
    assert all(b"".join(pipe.writes) == frame(b"1") + frame(b"2") for pipe in pipes)
    assert [len(pipe.writes) for pipe in pipes] == [2] * SLICE + [1] * (CROWD + 1 - SLICE)


async def test_a_traced_message_to_a_crowd_holds_nobody_up() -> None:
    """It is written in slices as any other; its span ends with its last write, and no later."""
    tick = Tick()
    boxes, pipes = await crowd(tick, b"untraced")
    traced = Stopwatch(pipes)
    boxes[-1].send(b"traced")
    tick.tell(traced)
    await asyncio.sleep(0)
    _, later = await crowd(tick, b"untraced")
    assert written(pipes) == 3 * SLICE
    assert traced.seen == []
    for _ in range(CROWD // SLICE - 2):
        await asyncio.sleep(0)
    assert pipes[-1].writes == [frame(b"untraced") + frame(b"traced")]
    assert traced.seen == [CROWD + 1]
    assert written(later) < len(later)


async def test_a_traced_message_to_a_few_is_told_at_once() -> None:
    """Where there is no crowd, one turn writes all."""
    tick = Tick()
    box, pipe = outbox(tick)
    traced = Stopwatch([pipe])
    box.send(b"traced")
    tick.tell(traced)
    await asyncio.sleep(0)
    assert traced.seen == [1]


async def test_slow_reader_misses_only_what_may_be_missed() -> None:
    """Over half of the bound signals are dropped and counted, durable frames are not."""
    box, pipe = outbox()
    pipe.unsent = SLOW + 1
    box.offer_lossy(frame(b"typing"))
    box.send(b"message")
    await turn()
    assert pipe.writes == [frame(b"message")]
    assert box.dropped == 1


async def test_reader_too_far_behind_is_closed() -> None:
    """Over the bound the connection is closed with 4300, after what was owed, and gets no more."""
    box, pipe = outbox()
    box.behind = True
    box.send(b"message")
    await turn()
    box.send(b"later")
    await turn()
    assert pipe.writes == [frame(b"message"), close_frame(4300, "slow_consumer")]
    assert (box.closed, box.evicted) == (SLOW_CONSUMER, True)


async def test_one_large_turn_closes_nobody() -> None:
    """A turn's batch above the bound is no sign of a slow reader."""
    box, _ = outbox()
    box.offer(bytes(BOUND * 2))
    await turn()
    assert box.closed is None


async def test_goodbye_is_last_and_once() -> None:
    """A close frame follows what was offered before it; a second close changes nothing."""
    box, pipe = outbox()
    box.send(b"before")
    box.close(KICKED, retry_ms=7)
    box.close(SLOW_CONSUMER)
    box.send(b"after")
    box.control(b"\x89\x00")
    await turn()
    assert pipe.writes == [frame(b"before"), close_frame(4004, "kicked retry=7")]


async def test_nothing_is_written_to_a_lost_connection() -> None:
    """A connection that is gone is left alone."""
    box, pipe = outbox()
    box.send(b"x")
    box.gone = pipe.closing = True
    await turn()
    box.close(KICKED)
    assert pipe.writes == []


async def test_catch_up_waits_for_the_reader() -> None:
    """A page waits while much is unsent, and goes on when it has left."""
    box, pipe = outbox()
    pipe.unsent = BOUND
    waiting = asyncio.create_task(box.drained())
    await asyncio.sleep(0.1)
    assert not waiting.done()
    pipe.unsent = 0
    await asyncio.wait_for(waiting, 1)


async def test_catch_up_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads nothing of a catch-up is closed with 4300 after the patience is over."""
    monkeypatch.setattr("handlers.outbox._PATIENCE_S", 0.05)
    box, pipe = outbox()
    pipe.unsent = BOUND
    await box.drained()
    closed: Any = box.closed
    assert closed is SLOW_CONSUMER
