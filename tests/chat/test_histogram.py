"""Histograms against a sorted list."""

from hypothesis import given
from hypothesis import strategies as st

from chat.histogram import LATENCIES, SIZES, Histogram


@given(st.lists(st.integers(0, 50) | st.sampled_from([1, 5, 10])))
def test_each_value_is_in_the_first_bucket_that_holds_it(values: list[int]) -> None:
    """A bucket counts what is above the bound before and at most its own; the sum is the sum."""
    histogram = Histogram((1, 5, 10))
    for value in values:
        histogram.record(value)
    assert histogram.counts == [
        sum(value <= 1 for value in values),
        sum(1 < value <= 5 for value in values),
        sum(5 < value <= 10 for value in values),
        sum(value > 10 for value in values),
    ]
    assert (histogram.count, histogram.total) == (len(values), sum(values))


def test_an_exemplar_stands_in_its_bucket() -> None:
    """The last trace of a bucket is kept, and another bucket's is left alone."""
    histogram = Histogram((1, 5))
    histogram.exemplify(0.5, "a", 1.0)
    histogram.exemplify(7, "b", 2.0)
    histogram.exemplify(1, "c", 3.0)
    assert histogram.exemplars == {0: ("c", 1, 3.0), 2: ("b", 7, 2.0)}
    assert histogram.count == 0


def test_bounds_rise() -> None:
    """The bounds in use are strictly ascending, which counting relies on."""
    for bounds in (LATENCIES, SIZES):
        assert list(bounds) == sorted(set(bounds))
