"""Secrets out of log events: by the name of a field, by the form of a value, and by themselves.

The last one looked at before an event is rendered, so that formatted exceptions pass it too.
"""

import re
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any, Final

MASK: Final = "***"
LONGEST: Final = 8_192  # characters of one value: the traceback of forty frames
_DEEPEST: Final = 6
_SHORTEST_SECRET: Final = 6  # what is shorter would be cut out of innocent words
_NAMES: Final = r"token|password|passwd|secret|authorization|cookie|jwt|api[_-]?key|credentials?"

_SECRET_KEYS: Final = re.compile(rf"(?:^|[_.-])(?:{_NAMES})s?$|redis_url", re.IGNORECASE)
# What people write, and what it travels in: an event tells of messages, it does not repeat them.
_PRIVATE_KEYS: Final = frozenset({"text", "data", "payload", "body", "frame", "query", "url"})

_BEARER: Final = r"(\bbearer[ .:=]+)[\w.~+/=%-]{4,}"
_JWT: Final = r"\bey[\w-]{6,}(?:\.[\w=-]*){1,4}"
# To the last @ of the word: a password in a URL may hold one, and a slash, unescaped.
_LOGIN: Final = r"([a-z][a-z0-9+.-]*://)[^\s\"'<>]*@"
_PARAMETER: Final = rf"([?&;][\w-]*(?:{_NAMES}|sig|ticket)\b=)[^&\s\"'#;]*"
_NAMED: Final = (
    rf"((?:{_NAMES})[\"']?\s*[:=]\s*)"
    r"(?:b?\"[^\"]*\"|b?'[^']*'|(?:bearer|basic|digest)\s+\S+|[^\s\"',;&)}\]]+)"
)
_FORMS: Final = tuple(
    (re.compile(form, re.IGNORECASE), mask)
    for form, mask in (
        (_LOGIN, rf"\1{MASK}@"),
        (_BEARER, rf"\1{MASK}"),
        (_PARAMETER, rf"\1{MASK}"),
        (_NAMED, rf"\1{MASK}"),
        (_JWT, MASK),
    )
)
# One cheap look spares most values the five above: 0.3 µs for a short one.
_SUSPICIOUS: Final = re.compile(rf"bearer|\bey|://|{_NAMES}|sig=|ticket=", re.IGNORECASE)


class Redaction:
    """A structlog processor; `secrets` are values of this process that may stand nowhere."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        # The longest first: one may be a part of another.
        self._secrets = tuple(sorted(known, key=len, reverse=True))

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Return the event without secrets."""
        return {self.text(str(key)): self._field(str(key), item) for key, item in event.items()}

    def text(self, text: str) -> str:
        """Return a text without secrets, cut to `LONGEST` characters."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        if _SUSPICIOUS.search(text):
            for form, mask in _FORMS:
                text = form.sub(mask, text)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"

    def _field(self, key: str, value: Any, depth: int = 0) -> Any:
        if key.lower() in _PRIVATE_KEYS or _SECRET_KEYS.search(key):
            return MASK
        return self._value(value, depth)

    def _value(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if depth >= _DEEPEST:
            return MASK
        if isinstance(value, Mapping):
            return {self.text(str(k)): self._field(str(k), v, depth + 1) for k, v in value.items()}
        if isinstance(value, Sequence | set | frozenset) and not isinstance(
            value, bytes | bytearray | memoryview
        ):
            return [self._value(item, depth + 1) for item in value]
        return self.text(str(value))
