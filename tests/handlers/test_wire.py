"""WebSocket framing, read back by another implementation of RFC 6455."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from handlers.wire import ARRAY, SINGLE, close_frame, frame, pong_frame


def parsed(data: bytes) -> list[Frame]:
    """Parse server frames by the `websockets` library."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    frames = []
    while True:
        parsing = Frame.parse(reader.read_exact, mask=False, max_size=None)
        try:
            while True:
                next(parsing)
        except StopIteration as done:
            frames.append(done.value)
        except EOFError:
            return frames


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_every_length_of_header(size: int) -> None:
    """A payload of any size around the header's steps is read back whole as one text frame."""
    (read,) = parsed(frame(b"x" * size))
    assert (read.opcode, bytes(read.data), read.fin) == (Opcode.TEXT, b"x" * size, True)


def test_close_and_pong() -> None:
    """Control frames are read back with their code, reason and data."""
    close, pong = parsed(close_frame(4300, "slow_consumer") + pong_frame(b"hi"))
    assert (close.opcode, bytes(close.data)) == (Opcode.CLOSE, b"\x10\xccslow_consumer")
    assert (pong.opcode, bytes(pong.data)) == (Opcode.PONG, b"hi")


def test_close_reason_is_cut() -> None:
    """No reason makes a control frame longer than 125 bytes."""
    (close,) = parsed(close_frame(4000, "x" * 500))
    assert len(close.data) == 125


def test_single_and_array() -> None:
    """A batch is one message per frame, or arrays of at most 64, one alone being no array."""
    payloads = [b"%d" % i for i in range(130)]
    assert [bytes(f.data) for f in parsed(SINGLE.frames(payloads))] == payloads
    arrays = [bytes(f.data) for f in parsed(ARRAY.frames(payloads))]
    assert arrays == [b"[" + b",".join(payloads[i : i + 64]) + b"]" for i in (0, 64, 128)]
    assert [bytes(f.data) for f in parsed(ARRAY.frames([b"{}"]))] == [b"{}"]
