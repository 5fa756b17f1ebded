"""Properties held against made-up examples: a few for every change, many every night."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

FEW: Final = 100


def often(many: int) -> pytest.MarkDecorator:
    """Run a test with a few `examples`, and by `-m nightly` with so many."""
    nightly = [pytest.mark.nightly, pytest.mark.timeout(1_800)]
    return pytest.mark.parametrize(
        "examples", [pytest.param(FEW, id="few"), pytest.param(many, id="many", marks=nightly)]
    )


def hold(examples: int, fact: Callable[[Any], None], made_up: SearchStrategy[Any]) -> None:
    """Hold a fact against so many examples; a busy machine fails none."""
    how = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    how(given(made_up)(fact))()
