"""Chapter 6 of the Autobahn suite: text that is UTF-8 and text that is not, by Kuhn's examples."""

from collections.abc import Iterator
from typing import Final

from tests.handlers.autobahn import Case
from tests.handlers.framing import TEXT, command, fragments, frame

KOSME: Final = "\u03ba\u1f79\u03c3\u03bc\u03b5".encode()
WORD: Final = "Hello-µ@ßöäüàá-UTF-8!!".encode()
BAD: Final = KOSME + b"\xed\xa0\x80" + b"edited"


def _encoded(*points: int) -> list[bytes]:
    """Return the code points by the scheme of UTF-8, surrogates and what is beyond too."""
    return [_scheme(point) for point in points]


def _scheme(point: int, size: int = 0) -> bytes:
    """Return a point in `size` bytes, the least that hold it when that is 0 (RFC 2279 had six)."""
    bounds = (0x80, 0x800, 0x1_0000, 0x20_0000, 0x400_0000, 0x8000_0000)
    size = size or next(i for i, bound in enumerate(bounds, 1) if point < bound)
    if size == 1:
        return bytes([point])
    tail = [0x80 | (point >> 6 * i) & 0x3F for i in reversed(range(size - 1))]
    lead = (0xFF << (8 - size)) & 0xFF
    return bytes([lead | point >> 6 * (size - 1), *tail])


_FIVE: Final = (2, 3, 4, 5, 6)  # sizes in bytes
_INCOMPLETE: Final = [
    each[:-1]
    for each in [
        *(_scheme(0, size) for size in _FIVE),
        *_encoded(0x7FF, 0xFFFF, 0x1F_FFFF, 0x3FF_FFFF, 0x7FFF_FFFF),
    ]
]
_PLANES: Final = [plane << 16 | low for plane in range(1, 17) for low in (0xFFFE, 0xFFFF)]

_TAILS: Final = bytes(range(0x80, 0xC0))
_LEADS: Final = ((0xC0, 0xE0), (0xE0, 0xF0), (0xF0, 0xF8), (0xF8, 0xFC), (0xFC, 0xFE))
_HIGH: Final = (0xD800, 0xDB7F, 0xDB80, 0xDBFF)


def _spaced(first: int, end: int) -> bytes:
    return b"".join(bytes([lead, 0x20]) for lead in range(first, end))


# chapter: its contents, and whether they are UTF-8 (one for all, or one each)
CHAPTERS: Final[list[tuple[int, list[bytes], str]]] = [
    (5, [KOSME, KOSME[:2], KOSME[2:5], KOSME[5:7], KOSME[7:]], "yyyyy"),
    (6, [KOSME[:i] for i in range(1, 12)], "nynnynynyny"),
    (7, _encoded(0, 0x80, 0x800, 0x1_0000), "y"),
    (8, _encoded(0x20_0000, 0x400_0000), "n"),
    (9, _encoded(0x7F, 0x7FF, 0xFFFF, 0x10_FFFF), "y"),
    (10, _encoded(0x1F_FFFF, 0x3FF_FFFF, 0x7FFF_FFFF), "n"),
    (11, _encoded(0xD7FF, 0xE000, 0xFFFD, 0x10_FFFF, 0x11_0000), "yyyyn"),
    (12, [b"\x80", b"\xbf", *((b"\x80\xbf" * 4)[:size] for size in _FIVE), _TAILS], "n"),
    (13, [_spaced(*edges) for edges in _LEADS], "n"),
    (14, _INCOMPLETE, "n"),
    (15, [b"".join(_INCOMPLETE)], "n"),
    (16, [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"], "n"),
    (17, [_scheme(0x2F, size) for size in _FIVE], "n"),
    (
        18,
        [
            _scheme((1 << bits) - 1, size)
            for bits, size in zip((7, 11, 16, 21, 26), _FIVE, strict=True)
        ],
        "n",
    ),
    (19, [_scheme(0, size) for size in _FIVE], "n"),
    (20, _encoded(0xD800, 0xDB7F, 0xDB80, 0xDBFF, 0xDC00, 0xDF80, 0xDFFF), "n"),
    (21, [b"".join(_encoded(high, low)) for high in _HIGH for low in (0xDC00, 0xDFFF)], "n"),
    (22, _encoded(0xFFFE, 0xFFFF, *_PLANES), "y"),
    (23, _encoded(0xFFF9, 0xFFFA, 0xFFFB, 0xFFFC, 0xFFFD, 0xFEFF, 0x200B), "y"),
]


def texts() -> Iterator[Case]:
    """Give chapter 6: one message, in fragments, byte by byte; then one content each."""
    yield Case("6.1.1", (frame(TEXT),))
    yield Case("6.1.2", tuple(fragments(b"", b"", b"")))
    yield Case("6.1.3", tuple(fragments(b"", command(), b"")), answers=1)
    whole = command(WORD)
    cut = whole.index("ß".encode()) + 1
    for i, parts in enumerate(([whole], [whole[:cut], whole[cut:]], _octets(whole)), 1):
        yield Case(f"6.2.{i}", tuple(fragments(*parts)), answers=1)
    yield Case("6.2.4", tuple(fragments(*_octets(command(KOSME)))), answers=1)
    bad = command(BAD)
    yield Case("6.3.1", (frame(TEXT, bad),), close=1007)
    yield Case("6.3.2", tuple(fragments(*_octets(bad))), close=1007)
    for i, at in enumerate((0, 1, 2, 3), 1):
        place = bad.index(b"\xed") + at
        sent = fragments(bad[:place], bad[place:])
        yield Case(f"6.4.{i}", tuple(sent), close=1007, octets=i > 2)
    for chapter, contents, verdicts in CHAPTERS:
        for i, content in enumerate(contents):
            good = verdicts[i % len(verdicts)] == "y"
            legible = content != b"\0"  # a control character in a string is no JSON
            whole = frame(TEXT, command(content))
            answers = int(good and legible)
            yield Case(f"6.{chapter}.{i + 1}", (whole,), close=0 if good else 1007, answers=answers)


def _octets(whole: bytes) -> list[bytes]:
    return [bytes([each]) for each in whole]
