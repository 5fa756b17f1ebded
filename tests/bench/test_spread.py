"""Medians, spreads and ratios of repeated runs."""

import pytest

from bench.spread import ratios, spread


def test_a_spread_is_the_middle_between_the_lowest_and_the_highest() -> None:
    """One wild run moves an end of the spread and leaves the middle."""
    assert format(spread([3.0, 1.0, 90.0, 2.0, 4.0]), ".0f") == "3 (1–90)"


def test_a_ratio_is_taken_within_each_repetition() -> None:
    """Noise that slows both runs of a repetition alike does not reach the ratio."""
    assert ratios([10.0, 20.0, 40.0], [1.0, 2.0, 4.0]) == spread([10.0])


def test_repetitions_that_do_not_pair_are_no_ratio() -> None:
    """A missing run is an error, not a ratio of strangers."""
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])
