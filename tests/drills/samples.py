"""The histories that the tests of the checker share."""

from contextlib import suppress
from functools import cache
from random import Random
from typing import Final

from tests.drills.history import Record
from tests.drills.legal import legal
from tests.drills.mutants.edit import NotHereError
from tests.drills.mutants.table import MUTANTS
from tests.drills.world.stage import Shape

SEEDS: Final = 12  # so many histories have a place for each mutant, most in all of them


@cache
def usual(seed: int, *, loses: bool) -> list[Record]:
    return legal(seed, Shape(messages=6, faults=(loses,), restless=0.1))


def mutated(name: str) -> list[Record]:
    """Mutate the first history that offers what this mutant needs."""
    mutant = next(it for it in MUTANTS if it.mutate.__name__ == name)
    for seed in range(SEEDS):
        with suppress(NotHereError):
            return mutant.mutate(usual(seed, loses=mutant.loses), Random(seed))
    raise NotHereError
