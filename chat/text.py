r"""The text rule: what people write stays whole, what harms is removed; applying it twice is once.

1. Line ends become `\n`; of the other control characters only the tab stays.
2. Removed: bidirectional embeddings, overrides and isolates (U+202A-202E, 2066-2069), deprecated
   and interlinear format characters, zero-width space, word joiners, byte order marks, soft
   hyphens, fillers, noncharacters and private format characters. Left-to-right and right-to-left
   marks stay: Hebrew and Arabic need them.
3. Zero-width joiners stay between two visible characters (emoji families, Persian, Indic
   scripts), one at a time. Tag characters stay only behind the black flag (regional flags).
4. NFC (Unicode Annex 15), then at most eight combining marks on one base.
"""

import re
import unicodedata
from typing import Final

from chat.errors import Refusal

MARKS: Final = 8  # Vedic and Biblical Hebrew stack five; what needs more is drawn over neighbours

_LINE_ENDS: Final = re.compile("\r\n?|[\u0085\u2028\u2029]")
_NONCHARACTERS: Final = "".join(
    f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(17)
)
_HARMFUL: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u115f\u1160\u17b4\u17b5\u200b"
    "\u202a-\u202e\u2060-\u206f\u3164\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e001f\U000e0080-\U000e00ff"
    "\U000e01f0-\U000e0fff" + _NONCHARACTERS + "]"
)
_LONE_TAGS: Final = re.compile(
    "(\U0001f3f4[\U000e0020-\U000e007e]{1,6}\U000e007f)|[\U000e0020-\U000e007f]"
)
_LONE_JOINERS: Final = re.compile(
    r"(?:^|(?<=\s))[\u200c\u200d]+|([\u200c\u200d])[\u200c\u200d]*(?![\s\u200c\u200d])|[\u200c\u200d]+"
)


def sanitise(text: str) -> str:
    """Return the text by the rule above; pure and idempotent."""
    if text.isascii() and text.isprintable():
        return text
    text = _LINE_ENDS.sub("\n", text)
    text = _HARMFUL.sub("", text)
    text = _LONE_TAGS.sub(lambda match: match[1] or "", text)
    text = _LONE_JOINERS.sub(lambda match: match[1] or "", text)
    return _limit_marks(unicodedata.normalize("NFC", text))


def _limit_marks(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in {"Mn", "Me"} else 0
        if marks <= MARKS:
            kept.append(char)
    return "".join(kept)


def accept(text: str, limit: int) -> str:
    """Return the sanitised text, or refuse it when nothing is left or more than `limit` points."""
    clean = sanitise(text)
    if len(clean) > limit:
        raise Refusal("too_large", f"text over {limit} code points", field="text")
    if not clean.strip():
        raise Refusal("bad_request", "text is blank", field="text")
    return clean
