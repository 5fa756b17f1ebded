"""The look after a doubtful adoption: in which order the rooms are asked for."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

from resilience.generation import Generation
from resilience.known import Known
from resilience.reader import BATCH, Question, Reader
from resilience.recheck import Recheck
from resilience.succession import Succession

ROOMS = 3 * BATCH
LATEST = "lounge"


class NotingReader:
    """A reader that finds in each room what is known, and notes it as the real one does."""

    def __init__(self, known: Known, on_asked: Callable[[], None] = lambda: None) -> None:
        self._known = known
        self._on_asked = on_asked
        self.asked: list[str] = []

    async def page(self, question: Question) -> None:
        self.asked.append(question.room)
        self._on_asked()
        place = self._known.get(question.room)
        self._known.note(question.room, place.epoch, place.seq)


def of_generation(*, over: bool) -> Generation:
    return cast("Generation", SimpleNamespace(over=over))


async def test_a_doubt_ends_with_its_generation() -> None:
    """Of a generation that is over no room is looked at: the next one's come in its own order."""
    known = Known()
    known.note(LATEST, "e", 1)
    reader = NotingReader(known)
    recheck = Recheck(cast("Succession", None), cast("Reader", reader), known)
    await recheck._look_at_all(of_generation(over=True))
    assert reader.asked == []


async def test_a_doubt_ends_midway() -> None:
    """A generation that ends while its rooms are looked at is given up with the next batch."""
    known = Known()
    for number in range(ROOMS):
        known.note(f"room{number}", "e", 1)
    generation = of_generation(over=False)
    reader = NotingReader(known, on_asked=lambda: setattr(generation, "over", True))
    recheck = Recheck(cast("Succession", None), cast("Reader", reader), known)
    await recheck._look_at_all(generation)
    assert len(reader.asked) == BATCH


async def test_the_latest_news_are_looked_at_first() -> None:
    """The rooms that can have lost something come first, also when one doubt follows another."""
    known = Known()
    for room in [LATEST, *(f"room{number}" for number in range(ROOMS)), LATEST]:
        known.note(room, "e", known.get(room).seq + 1)
    reader = NotingReader(known)
    recheck = Recheck(cast("Succession", None), cast("Reader", reader), known)
    for _ in range(2):
        reader.asked.clear()
        await recheck._look_at_all(of_generation(over=False))
        assert LATEST in reader.asked[:BATCH]
        assert sorted(reader.asked) == sorted(known)
