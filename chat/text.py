r"""The text rule: what people write stays whole, what harms is removed; applying it twice is once.

1. Line ends become `\n`; of the other control characters only the tab stays.
2. Removed: format characters that belong to no script (bidirectional embeddings, overrides and
   isolates, zero-width space, word joiners, byte order marks, soft hyphens …), fillers, code
   points reserved for more of them, noncharacters, lone surrogates. Tag characters stay only as
   the name of a region behind a black flag.
3. At most eight combining marks on one base, before NFC (Unicode Annex 15) and after it.
4. In a row of invisible characters stay, in this order and once each: behind a visible character
   a variation selector and a joiner (emoji, Persian, Indic scripts); anywhere a directional mark
   or Mongolian vowel separator.
"""

import re
import unicodedata
from typing import Final

from chat.errors import Refusal

# Tibetan stacks eight, Vedic and Biblical Hebrew five; what needs more is drawn over neighbours.
MARKS: Final = 8

_SELECTORS: Final = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_JOINERS: Final = "\u200c\u200d"
_DIRECTIONS: Final = "\u061c\u180e\u200e\u200f"
_ASTRAL: Final = "\U00010000"  # the first code point above the basic plane

# Format characters of a script have its direction; these are nobody's, or change direction.
_FOREIGN: Final = {"BN", "ON", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_FORMAT: Final = "".join(
    char
    for char in map(chr, range(0x20000))  # the planes of scripts; tags, in plane 14, come below
    if unicodedata.category(char) == "Cf"
    and unicodedata.bidirectional(char) in _FOREIGN
    and char not in _JOINERS + _DIRECTIONS
)
_FILLERS: Final = "\u115f\u1160\u17b4\u17b5\u3164\uffa0"
_RESERVED: Final = "\u2065\ufff0-\ufff8"
_RESERVED_TAGS: Final = "\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff"
_NONCHARACTERS: Final = "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000)
)
_LINE_ENDS: Final = re.compile("\r\n?|[\v\f\u0085\u2028\u2029]")
_HARMFUL: Final = re.compile(
    f"[\0-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff{_RESERVED}{_FILLERS}"
    f"{''.join(char for char in _FORMAT if char < _ASTRAL)}]"
)
# Apart, and behind one cheap test: classes with many ranges above U+FFFF are slow in `re`.
_HARMFUL_ASTRAL: Final = re.compile(
    f"(?=[{_ASTRAL}-\U0010ffff])[{_RESERVED_TAGS}{_NONCHARACTERS}"
    f"{''.join(char for char in _FORMAT if char >= _ASTRAL)}]"
)
# The names of regions: CLDR's unicode_subdivision_id, as in Scotland's flag (UTS 51, ED-14a).
_LONE_TAGS: Final = re.compile(
    "(\U0001f3f4[\U000e0061-\U000e007a]{2}[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,4}"
    "\U000e007f)|[\U000e0020-\U000e007f]"
)
# Marks are neither words nor space, nor in the blocks of symbols: only such a row has too many.
_STACK: Final = re.compile(rf"[^\w\s!-~\u2190-\u2bff\U0001f000-\U0001faff]{{{MARKS + 1},}}")
_ANY: Final = _SELECTORS + _JOINERS + _DIRECTIONS
_SURPLUS: Final = re.compile(
    rf"(?=[{_ANY}])(?:(?<!\S)[{_SELECTORS}{_JOINERS}]+|(?<=[{_SELECTORS}])[{_SELECTORS}]+"
    rf"|(?<=[{_JOINERS}])[{_SELECTORS}{_JOINERS}]+|(?<=[{_DIRECTIONS}])[{_ANY}]+)"
)
_BLANK: Final = re.compile(rf"[\s{_ANY}\u034f\u2800]*")


def sanitise(text: str) -> str:
    """Return the text by the rule above; pure, idempotent, in time linear in its length."""
    if text.isascii() and text.isprintable():
        return text
    text = _HARMFUL_ASTRAL.sub("", _HARMFUL.sub("", _LINE_ENDS.sub("\n", text)))
    text = _STACK.sub(_limit_marks, _LONE_TAGS.sub(r"\1", text))
    # Marks are counted on both sides of it: many take it quadratic time, and of one it makes two.
    if not unicodedata.is_normalized("NFC", text):
        text = _STACK.sub(_limit_marks, unicodedata.normalize("NFC", text))
        text = unicodedata.normalize("NFC", text)
    return _SURPLUS.sub("", text)


def _limit_marks(row: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for char in row[0]:
        category = unicodedata.category(char)
        is_mark = category in {"Mn", "Me"}
        if is_mark:
            marks += 1
        elif category != "Cf":
            marks = 0
        if not is_mark or marks <= MARKS:
            kept.append(char)
    return "".join(kept)


def accept(text: str, limit: int) -> str:
    """Return the sanitised text, or refuse it when nothing is left or more than `limit` points."""
    clean = sanitise(text)
    if len(clean) > limit:
        raise Refusal("too_large", f"text over {limit} code points", field="text")
    if not clean[:1].isalnum() and _BLANK.fullmatch(clean):
        raise Refusal("bad_request", "text is blank", field="text")
    return clean
