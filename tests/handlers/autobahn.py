"""The cases of the Autobahn test suite, chapters 1 to 7 and 10, in the terms of chat.v1.

The suite wants an echo, and this is none: a message that must be accepted is a `ping` of ours
with the case's content in it, and its answer is the echo. Numbers are the suite's own.
"""

from collections.abc import Iterable, Iterator
from struct import pack
from typing import Final

import msgspec

from tests.handlers.framing import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    command,
    fragments,
    frame,
)

FRAME_LIMIT: Final = 16_384


class Case(msgspec.Struct, frozen=True):
    """What is sent, and what must come: answers, pongs, a close (0: the connection lives on)."""

    number: str
    sent: tuple[bytes, ...]
    close: int = 0
    answers: int = 0
    pongs: tuple[bytes, ...] = ()
    octets: bool = False

    @property
    def chapter(self) -> str:
        return ".".join(self.number.split(".")[:-1]) or self.number


def _sized(size: int) -> bytes:
    return command(b"*" * (size - len(command())))


def framing() -> Iterator[Case]:
    """Give chapter 1: sizes. Zero bytes are no JSON, and over the limit is 1009."""
    sizes = (0, 125, 126, 127, 128, 65_535, 65_536, 65_536)
    for i, size in enumerate(sizes, 1):
        over = size > FRAME_LIMIT
        payload = _sized(size) if size else b""
        close, answers = (1009, 0) if over else (0, int(size > 0))
        sent = (frame(TEXT, payload),)
        yield Case(f"1.1.{i}", sent, close=close, answers=answers, octets=i == 8 and not over)
        yield Case(f"1.2.{i}", (frame(BINARY, b"\xfe" * size),), close=1009 if over else 1003)


def pings() -> Iterator[Case]:
    """Give chapter 2: pings and pongs."""
    binary, most, many = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125, b"payload-%d"
    ten = tuple(many % i for i in range(10))
    rows: list[tuple[list[bytes], tuple[bytes, ...], int, bool]] = [
        ([frame(PING)], (b"",), 0, False),
        ([frame(PING, b"Hello, world!")], (b"Hello, world!",), 0, False),
        ([frame(PING, binary)], (binary,), 0, False),
        ([frame(PING, most)], (most,), 0, False),
        ([frame(PING, b"\xfe" * 126)], (), 1002, False),
        ([frame(PING, most)], (most,), 0, True),
        ([frame(PONG)], (), 0, False),
        ([frame(PONG, b"unsolicited")], (), 0, False),
        ([frame(PONG, b"unsolicited"), frame(PING, b"ping")], (b"ping",), 0, False),
        ([frame(PING, each) for each in ten], ten, 0, False),
        ([frame(PING, each) for each in ten], ten, 0, True),
    ]
    for i, (sent, pongs, close, octets) in enumerate(rows, 1):
        yield Case(f"2.{i}", tuple(sent), close=close, pongs=pongs, octets=octets)


def reserved() -> Iterator[Case]:
    """Give chapters 3 and 4: reserved bits and opcodes end the connection at once."""
    text, ping = frame(TEXT, command()), frame(PING)
    yield Case("3.1", (frame(TEXT, command(), rsv=1),), close=1002)
    for i in (2, 3, 4):
        sent = (text, frame(TEXT, command(), rsv=i - 1 if i < 4 else 4), ping)
        yield Case(f"3.{i}", sent, close=1002, answers=1, octets=i == 4)
    yield Case("3.5", (frame(BINARY, b"\xff", rsv=5),), close=1002)
    yield Case("3.6", (frame(PING, b"x", rsv=6),), close=1002)
    yield Case("3.7", (frame(CLOSE, rsv=7),), close=1002)
    for group, first in ((1, 3), (2, 11)):
        for i in range(5):
            bad = frame(first + i, b"" if i % 2 == 0 else b"x")
            before = (text,) if i > 1 else ()
            yield Case(
                f"4.{group}.{i + 1}",
                (*before, bad, ping),
                close=1002,
                answers=len(before),
                octets=i == 4,
            )


def fragmentation() -> Iterator[Case]:
    """Give chapter 5: fragments, with control frames between them, and out of order."""
    whole = command(b"fragmented")
    first, second = fragments(whole[:9], whole[9:])
    both, ping = (first, second), frame(PING, b"p")
    yield Case("5.1", (frame(PING, b"a", fin=False), frame(CONTINUATION, b"b")), close=1002)
    yield Case("5.2", (frame(PONG, b"a", fin=False), frame(CONTINUATION, b"b")), close=1002)
    yield Case("5.3", both, answers=1)
    yield Case("5.4", (b"".join(both),), answers=1)
    yield Case("5.5", both, answers=1, octets=True)
    between: tuple[bytes, ...] = (first, ping, second)
    for i, sent in ((6, between), (7, (b"".join(between),)), (8, between)):
        yield Case(f"5.{i}", sent, answers=1, pongs=(b"p",), octets=i == 8)
    for i in range(6):
        alone = frame(CONTINUATION, b"non-continuation payload", fin=i < 3)
        after = (alone, frame(TEXT, command())) if i % 3 else (alone + frame(TEXT, command()),)
        yield Case(f"5.{i + 9}", after, close=1002, octets=i % 3 == 2)
    late = frame(CONTINUATION, b"x", fin=False), frame(TEXT, command())
    yield Case("5.15", (*both, *late), close=1002, answers=1)
    for i, fin in ((16, False), (17, True)):
        pair = frame(CONTINUATION, b"x", fin=fin), *both
        yield Case(f"5.{i}", pair * 2, close=1002)
    yield Case("5.18", (first, frame(TEXT, whole[9:])), close=1002)
    five = fragments(*(whole[i::1][:1] for i in range(4)), whole[4:])
    pinged = (five[0], five[1], ping, five[2], five[3], ping, five[4])
    for i in (19, 20):
        yield Case(f"5.{i}", pinged, answers=1, pongs=(b"p", b"p"), octets=i == 20)


def closing() -> Iterator[Case]:
    """Give chapter 7: how a connection ends; what comes after a close is not looked at."""
    normal, text = frame(CLOSE, pack("!H", 1000)), frame(TEXT, command())
    whole = command(b"fragmented")
    first, second = fragments(whole[:9], whole[9:])
    over = frame(TEXT, _sized(262_144))
    sequences: list[tuple[bytes, ...]] = [
        (text, normal),
        (normal, normal),
        (normal, frame(PING)),
        (normal, text),
        (first, normal, second),
    ]
    for i, sent in enumerate(sequences, 1):
        yield Case(f"7.1.{i}", sent, close=1000, answers=int(i == 1))
    yield Case("7.1.6", (over, normal, frame(PING)), close=1009)
    reasons = (
        b"",
        b"a",
        pack("!H", 1000),
        pack("!H", 1000) + b"Hello",
        pack("!H", 1000) + b"*" * 123,
    )
    for i, payload in enumerate(reasons, 1):
        yield Case(f"7.3.{i}", (frame(CLOSE, payload),), close=1002 if i == 2 else 1000)
    yield Case("7.3.6", (frame(CLOSE, pack("!H", 1000) + b"*" * 124),), close=1002)
    yield Case("7.5.1", (frame(CLOSE, pack("!H", 1000) + b"\xce\xba\xed\xa0\x80"),), close=1007)
    good = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    for i, code in enumerate(good, 1):
        yield Case(f"7.7.{i}", (frame(CLOSE, pack("!H", code)),), close=code)
    for i, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1):
        yield Case(f"7.9.{i}", (frame(CLOSE, pack("!H", code)),), close=1002)
    for i, code in enumerate((5000, 65_535), 1):
        yield Case(f"7.13.{i}", (frame(CLOSE, pack("!H", code)),), close=1002)


def automatic() -> Iterator[Case]:
    """Give chapter 10: a long message in frames of 1,300 bytes."""
    whole = _sized(FRAME_LIMIT)
    parts = (whole[i : i + 1_300] for i in range(0, len(whole), 1_300))
    yield Case("10.1.1", tuple(fragments(*parts)), answers=1)


def by_chapter(*chapters: Iterable[Case]) -> list[Case]:
    """Return the cases in the order of their numbers."""
    cases = [case for chapter in chapters for case in chapter]
    return sorted(cases, key=lambda case: [int(part) for part in case.number.split(".")])
