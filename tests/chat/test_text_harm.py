"""The text rule against what harms: kinds of harm, code points, properties, time."""

import re
import sys
import time
import unicodedata
from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat.text import sanitise

HARMFUL = {
    "override": ("pay \u202egpj.exe\u202c now", "pay gpj.exe now"),
    "embedding": ("\u202aa\u202bb\u202dc", "abc"),
    "isolates": ("\u2066a\u2067b\u2068c\u2069", "abc"),
    "C0": ("a\x00b\x07c\x1b[31md\x7f", "abc[31md"),
    "C1": ("a\u0080b\u009bc", "abc"),
    "carriage returns": ("a\r\nb\rc\n\rd", "a\nb\nc\n\nd"),
    "rare line ends": ("a\vb\fc\u0085d\u2028e\u2029f", "a\nb\nc\nd\ne\nf"),
    "zero-width spaces": ("a\u200b\u200bb\u2060\ufeffc\u00add", "abcd"),
    "invisible operators": ("f\u2061(x)\u2062y\u2063z\u2064", "f(x)yz"),
    "deprecated formats": ("a\u206a\u206fb", "ab"),
    "interlinear": ("a\ufff9b\ufffac\ufffb", "abc"),
    "fillers": ("a\u115f\u1160\u3164\uffa0b", "ab"),
    "reserved": ("a\u2065\ufff0\U000e0000\U000e0080\U000e0fffb", "ab"),
    "noncharacters": ("a\ufdd0\ufdef\ufffe\uffff\U0001fffe\U0010ffffb", "ab"),
    "lone surrogates": ("a\ud800b\udfffc", "abc"),
    "musical formats": ("a\U0001d173\U0001d17a\U0001bca0b", "ab"),
    "joiner at the start": ("\u200d\u200ca", "a"),
    "joiner behind space": ("a \u200db\n\u200cc", "a b\nc"),
    "joiners in a row": ("a\u200d\u200d\u200c\u200db", "a\u200db"),
    "marks in a row": ("a\u200f\u200f\u200e\u061cb", "a\u200fb"),
    "bits by marks and joiners": ("a\u200d\u200e\u200c\u200f\u200d\u200eb", "a\u200d\u200eb"),
    "selectors in a row": ("a\ufe00\ufe01\U000e0100\U000e01efb", "a\ufe00b"),
    "selector without base": ("\ufe0fa \ufe0fb", "a b"),
    "smuggled tags": ("hi\U000e0068\U000e0069\U000e0020\U000e007f", "hi"),
    "tags too long for a region": ("🏴" + "\U000e0061" * 7 + "\U000e007f", "🏴"),
    "tags without end": ("🏴\U000e0067\U000e0062\U000e0073x", "🏴x"),
    "flags that say more": ("🏴\U000e0048\U000e0069\U000e0021\U000e007f", "🏴"),
}


@pytest.mark.parametrize(("text", "clean"), HARMFUL.values(), ids=HARMFUL)
def test_what_harms_is_removed(text: str, clean: str) -> None:
    """Each kind of harm goes, and its neighbours stay."""
    assert sanitise(text) == clean


STACKS = {
    "plain": "\u0301",
    "two classes": "\u0316\u0301",
    "enclosing": "\u20dd",
    "written as two": "\u0344",
    "apart by joiners": "\u0301\u200d",
    "apart by directions": "\u0301\u200e",
    "apart by selectors": "\u0301\ufe00",
    "held by grapheme joiners": "\u034f",
}


@pytest.mark.parametrize("marks", STACKS.values(), ids=STACKS)
@pytest.mark.parametrize("base", ["q", "!", "👍", "ก"])
def test_no_base_carries_more_than_eight_marks(base: str, marks: str) -> None:
    """However they are interleaved, eight combining marks stay on a base, and all on the next."""
    clean = sanitise((base + marks * 50) * 2)
    stacks = clean.split(base)[1:]
    counts = [sum(unicodedata.category(c) in {"Mn", "Me"} for c in stack) for stack in stacks]
    assert len(counts) == 2
    assert all(0 < count <= 8 for count in counts)


def left(chars: Iterable[str]) -> set[str]:
    """Return what of these, composed, is left by the rule."""
    composed = unicodedata.normalize("NFC", "1".join(chars))
    return set(sanitise("1".join(composed))) & set(composed) - {"1"}


def test_every_control_and_noncharacter_goes() -> None:
    """Of all code points, the controls but tab and newline and the noncharacters are removed."""
    controls = {c for c in map(chr, range(0xA0)) if unicodedata.category(c) == "Cc"}
    assert left(controls) == {"\t", "\n"}
    ends = {chr(plane + low) for plane in range(0, 0x110000, 0x10000) for low in (0xFFFE, 0xFFFF)}
    assert left(ends | set(map(chr, range(0xFDD0, 0xFDF0)))) == set()


def test_every_letter_mark_number_and_symbol_stays() -> None:
    """No other visible character is removed: only fillers and Khmer's inherent vowels are."""
    hidden = {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
    every = {
        c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) not in hidden
    }
    composed = set(unicodedata.normalize("NFC", "1".join(every))) - {"1"}
    assert composed - left(every) == set("\u115f\u1160\u17b4\u17b5\u3164\uffa0")


PIECES = [
    *(chr(code) for code in (0x20, 0x0A, 0x0D, 0x85, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F)),
    *("\u061c", "\u180e", "\u180b", "\ufe0f", "\U000e0100", "\u034f", "\u202e", "\U000e0001"),
    *("🏴", "\U000e0067", "\U000e0073", "\U000e007f", "👍", "🏽", "❤", "\u20e3", "1"),
    *("a", "\u0301" * 5, "\u0316" * 4, "\u0344", "\u0345", "\u0327", "\u0958", "\u09c7", "\u09be"),
    *("\u0cc6", "\u0cc2", "\u0cd5", "\u0f73", "\u0f71\u0f72", "\u1100", "\u1161", "\u11a8"),
    *("\u115f", "\u0600", "\ufb2a", "\u2126", "\u2028", "\ud800", "\uffff", "\u0e33", "\u0e4d"),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.characters(), max_size=40).map("".join)


# Marks that NFC writes as two push one out between two others, which then compose.
RECOMPOSED = "q" + "\u0344" * 3 + "\u0301\u0cc6\u0301\u0cc2"


@settings(max_examples=1500)
@given(TEXTS)
@example(RECOMPOSED)
def test_twice_is_once(text: str) -> None:
    """What was sanitised is not changed again."""
    clean = sanitise(text)
    assert sanitise(clean) == clean


@settings(max_examples=500)
@given(TEXTS)
@example(RECOMPOSED)
def test_what_comes_out_obeys_the_rule(text: str) -> None:
    """The result is NFC, and holds no override, lone tag, long stack or long invisible row."""
    clean = sanitise(text)
    assert unicodedata.is_normalized("NFC", clean)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff\ud800-\udfff\r\u2028]", clean)
    assert not re.search("[\u200c-\u200f\u061c\u180b-\u180f\ufe00-\ufe0f]{4}", clean)
    assert not re.search(r"(?:^|\s)[\u200c\u200d\ufe0f]", clean)
    assert not re.search("[\U000e0020-\U000e007f]", re.sub("🏴[\U000e0030-\U000e007f]+", "", clean))
    assert not re.search(r"[\u0300-\u034e]{9}", clean)


@settings(max_examples=300)
@given(TEXTS, TEXTS)
def test_lines_do_not_touch_each_other(first: str, second: str) -> None:
    """What stands on one line changes nothing on the next: no state leaks across a line end."""
    assert sanitise(f"{first}\n\n{second}".replace("\r", "")) == "\n\n".join(
        sanitise(part.replace("\r", "")) for part in (first, second)
    )


WORST = {
    "marks to be ordered": "a" + "\u0301\u0316" * 4000,
    "marks to be counted": ("a" + "\u0316\u0301" * 4) * 1500,
    "one mark as two": "\u0344" * 8000,
    "joiners": "\u200d" * 5400,
    "joiners behind space": " \u200d" * 4000,
    "selectors": "\ufe0f" * 5400,
    "tags": "🏴\U000e0067\U000e0062" * 1350,
    "line ends": "\r" * 16384,
    "emoji": "❤\ufe0f\u200d🔥" * 1200,
}


@pytest.mark.parametrize("text", WORST.values(), ids=WORST)
def test_time_is_linear(text: str) -> None:
    """Of 16 KiB made to be slow, doubling what is given no more than about doubles the time."""

    def cost(given_text: str) -> float:
        times = []
        for _ in range(5):
            begin = time.process_time()
            sanitise(given_text)
            times.append(time.process_time() - begin)
        return min(times)

    assert cost(text * 4) < 10 * cost(text) + 0.005
