"""What one Redis holds: strings, hashes and streams, changed only by effects that replicate."""

from bisect import bisect_left, bisect_right
from typing import Any, Final, TypeAlias

Effect: TypeAlias = tuple[Any, ...]
Entry: TypeAlias = tuple[
    int, list[bytes]
]  # a stream's entry: its seq (the id is `1-<seq>`), fields
Stream: TypeAlias = list[Entry]
Hash: TypeAlias = dict[str, bytes]

NEVER: Final = float("inf")


class KeySpace:
    """Keys and values, as one server has them; `now_ms` is asked of that server's clock."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.expiry: dict[str, float] = {}

    def copy(self) -> "KeySpace":
        """Return a snapshot."""
        other = KeySpace()
        other.values = {
            key: value if isinstance(value, bytes) else value.copy()
            for key, value in self.values.items()
        }
        other.expiry = dict(self.expiry)
        return other

    def get(self, key: str, now_ms: float) -> Any:
        """Return a value, None if there is none or its time is over."""
        if self.expiry and self.expiry.get(key, NEVER) < now_ms:
            return None
        return self.values.get(key)

    def apply(self, effect: Effect) -> None:
        """Do what a master did; the same effects in the same order make the same keys."""
        match effect:
            case ("xadd", key, entry):
                self.values.setdefault(key, []).append(entry)
            case ("hset", key, fields):
                self.values.setdefault(key, {}).update(fields)
            case ("set", key, value, at):
                self.values[key] = value
                self.expiry.pop(key, None)
                if at != NEVER:
                    self.expiry[key] = at
            case ("pexpireat", key, at):
                if key in self.values:
                    self.expiry[key] = at
            case ("del", key):
                self.values.pop(key, None)
                self.expiry.pop(key, None)
            case _:
                raise NotImplementedError(effect[0])


def after(stream: Stream, seq: int, limit: int) -> Stream:
    """Return the first entries above a seq, ascending."""
    start = bisect_right(stream, seq, key=_seq)
    return stream[start : start + limit]


def before(stream: Stream, seq: int, limit: int) -> Stream:
    """Return the last entries below a seq, descending."""
    end = bisect_left(stream, seq, key=_seq)
    return stream[max(0, end - limit) : end][::-1]


def _seq(entry: Entry) -> int:
    return entry[0]
