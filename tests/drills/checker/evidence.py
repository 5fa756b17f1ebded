"""What an invariant yields when it is broken."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from tests.drills.checker.room import Room


class Evidence(NamedTuple):
    """One breach: a sentence, and the fewest lines of the history (from 1) that prove it."""

    said: str
    lines: tuple[int, ...]


Invariant: TypeAlias = Callable[[Room], Iterator[Evidence]]
