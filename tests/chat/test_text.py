"""The text rule: what people write stays whole, what harms goes, twice is once."""

import unicodedata

import pytest

from chat.errors import Refusal
from chat.text import accept, sanitise

WHOLE = {
    "plain": "Hello, world! 1 + 1 = 2; a\tb\nc",
    "hebrew with points": "בְּרֵאשִׁית בָּרָא אֱלֹהִים אֵת הַשָּׁמַיִם",
    "hebrew among latin": "see \u200fשלום!\u200f there",
    "arabic": "ٱلْعَرَبِيَّةُ، كَيْفَ حَالُكَ؟",
    "arabic number sign": "\u0600١٢",
    "persian": "می\u200cخواهم کتاب\u200cها را ببرم",
    "persian initial form": "ه\u200d ق",
    "urdu": "اُردُو میں لکھیے",
    "devanagari": "क्षत्रिय क्\u200dष क्\u200cष हिन्दी",
    "bengali": "র\u200d্যাব বাক্\u200c স্বাধীনতা",
    "malayalam, chillu by joiner": "അവന്\u200d വന്നു",
    "sinhala": "ශ්\u200dරී ලංකා",
    "tamil": "தமிழ் மொழி",
    "kannada": "ಕನ್ನಡ ಕೊ",
    "thai": "สวัสดีครับ น้ำใจ ก็ที่นี่",
    "khmer": "ភាសាខ្មែរ",
    "burmese": "မြန်မာဘာသာ",
    "tibetan": "བོད་སྐད་ ཧྐྵྨླྺྼྻྂ",
    "mongolian": "ᠮᠣᠩᠭᠣᠯ ᠨᠠᠢᠮ\u180eᠠ ᠠ\u180b",
    "korean": "한국어",
    "korean, loose jamo": "ㅋㅋㅋ ᄀ ᆨ",
    "japanese": "日本語、カタカナ、が",
    "japanese, a name's variant": "葛\U000e0100城市",
    "chinese": "你好,世界!𠮷野家",
    "vietnamese": "Tiếng Việt",
    "cyrillic": "Привет, ёжик",
    "ipa": "[ˈt͡ʃʰɪ̃]",
    "maths": "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋",
    "family": "👨\u200d👩\u200d👧\u200d👦",
    "skin tones": "👍🏽 👩🏿\u200d🚀 🧑🏻\u200d🤝\u200d🧑🏿",
    "heart on fire": "❤\ufe0f\u200d🔥",
    "eye in a bubble": "👁\ufe0f\u200d🗨\ufe0f",
    "rainbow flag": "🏳\ufe0f\u200d🌈",
    "pirates": "🏴\u200d☠\ufe0f",
    "flags": "🇺🇦🇯🇵",
    "keycaps": "1\ufe0f⃣ #\ufe0f⃣",
    "scotland": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "text style": "☎\ufe0e",
    "private use": "\uf8ff",
}


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE)
def test_what_people_write_stays_whole(text: str) -> None:
    """Real writing comes out as it went in, composed by NFC."""
    composed = unicodedata.normalize("NFC", text)
    assert sanitise(text) == composed
    assert sanitise(unicodedata.normalize("NFD", text)) == composed


def test_loose_jamo_are_composed() -> None:
    """Korean typed as single jamo becomes syllables, by NFC alone."""
    assert sanitise("\u1112\u1161\u11ab\u1100\u116e\u11a8") == "한국"


@pytest.mark.parametrize(
    "text", ["", " \n\t ", "\u200b\u200d", "\u200f \u061c", "\u3164", "\u2800", "\ufe0f", "\u3000"]
)
def test_blank_text_is_refused(text: str) -> None:
    """A text in which nothing can be seen is refused, in the field `text`."""
    with pytest.raises(Refusal) as refusal:
        accept(text, 100)
    assert (refusal.value.code, refusal.value.field) == ("bad_request", "text")


def test_the_limit_counts_what_is_left() -> None:
    """The limit is code points after NFC and removal: one more is refused as too large."""
    assert accept("e\u0301\u200b" * 10, 10) == "é" * 10
    assert accept("👍" * 10, 10) == "👍" * 10
    with pytest.raises(Refusal) as refusal:
        accept("x" * 11, 10)
    assert (refusal.value.code, refusal.value.field) == ("too_large", "text")
    assert accept(" x ", 3) == " x "
