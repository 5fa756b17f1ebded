"""The rate window against a model that counts every moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.rate import Window, ceil_ms

# Quarters of a second: sums of these are exact in floating point.
STEPS = st.lists(st.integers(0, 90).map(lambda quarters: quarters / 4), max_size=120)
SPAN = 60.0
EXACT = st.integers(0, 100_000).map(lambda parts: parts / 1024)


@given(limit=st.integers(1, 8), steps=STEPS)
def test_never_more_than_the_limit_in_any_window(limit: int, steps: list[float]) -> None:
    """A spend is allowed exactly when fewer than the limit lie less than a window back."""
    window, now, spent = Window(limit, SPAN), 0.0, list[float]()
    for step in steps:
        now += step
        recent = [at for at in spent if now - at < SPAN]
        wait = window.spend(now)
        assert (wait == 0.0) == (len(recent) < limit)
        if wait == 0.0:
            spent.append(now)
        else:
            assert wait == recent[-limit] + SPAN - now
    for begin in spent:
        assert sum(begin <= at < begin + SPAN for at in spent) <= limit


@given(limit=st.integers(1, 5), steps=STEPS)
def test_waiting_so_long_is_enough_and_no_less_is(limit: int, steps: list[float]) -> None:
    """After the wait that is told a spend is allowed, a quarter of a second before it is not."""
    window, now = Window(limit, SPAN), 0.0
    for step in steps:
        now += step
        wait = window.spend(now)
        if wait:
            assert 0 < wait <= SPAN
            assert window.wait(now + wait) == 0.0
            assert window.wait(now + wait - 0.25) > 0.0


def test_asking_costs_nothing() -> None:
    """However often one asks or is refused, the window stays as it is."""
    window = Window(2, SPAN)
    assert [window.spend(0), window.spend(1)] == [0.0, 0.0]
    for _ in range(100):
        assert window.wait(30) == window.spend(30) == 30.0
    assert window.spend(60) == 0.0
    assert window.spend(60) == 1.0


@pytest.mark.parametrize(("spends", "idle"), [([], 0.0), ([5.0], 65.0), ([5.0, 7.0], 67.0)])
def test_when_it_may_be_forgotten(spends: list[float], idle: float) -> None:
    """A window matters until its last spend is out of it, and an unused one never does."""
    window = Window(2, SPAN)
    for at in spends:
        window.spend(at)
    assert window.idle_at == idle


@given(at=EXACT, later=EXACT.filter(lambda seconds: seconds < SPAN))
def test_coming_back_in_time_is_never_too_early(at: float, later: float) -> None:
    """After the milliseconds that are told a spend is allowed; they are at most one too many."""
    window = Window(1, SPAN)
    window.spend(at)
    wait = window.spend(at + later)
    assert wait * 1000 < ceil_ms(wait) <= wait * 1000 + 1
    assert window.wait(at + later + ceil_ms(wait) / 1000) == 0.0
