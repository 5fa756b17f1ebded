"""The outbox: one write per turn, slow readers' end, and nothing after goodbye."""

import asyncio
from typing import Any, cast

import pytest

from chat.closes import KICKED, SLOW_CONSUMER
from handlers.outbox import BOUND, SLOW, Outbox, Tick
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


def outbox() -> tuple[Outbox, Pipe]:
    pipe = Pipe()
    return Outbox(cast("asyncio.Transport", pipe), Tick()), pipe


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
