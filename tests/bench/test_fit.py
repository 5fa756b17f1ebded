"""The exponents by which costs grow."""

import pytest

from bench.fit import exponent, farthest, growth_lines, scaling_lines, shape
from bench.results import Sample, Series
from bench.workloads.growth import OVER


def _series(samples: list[Sample]) -> Series:
    return Series("growth", "python -m bench growth", samples, machine={})


def test_the_exponent_of_a_power_law_is_found() -> None:
    """Constant cost gives 0, proportional cost 1, square cost 2."""
    sizes = [1.0, 10.0, 100.0]
    for power in (0.0, 1.0, 2.0):
        assert exponent(sizes, [3 * size**power for size in sizes]) == pytest.approx(power)


def test_what_an_exponent_says_is_said_in_a_word() -> None:
    """Flat or linear is what is wanted."""
    said = [shape(power) for power in (-0.4, 0.0, 0.8, 1.0, 1.5)]
    assert said == ["falls", "is flat", *["grows at most linearly"] * 2, "grows more than linearly"]


def test_a_cost_that_no_power_law_fits_is_told_as_far_from_it() -> None:
    """Of three costs on a line none is off; a bend in them is."""
    assert farthest([1.0, 10.0, 100.0], [2.0, 20.0, 200.0]) == pytest.approx(0)
    assert farthest([1.0, 10.0, 100.0], [2.0, 1.0, 2.0]) > 0.2


def test_growth_is_told_from_the_medians_of_the_repetitions() -> None:
    """Each thing that grew gets a line of its own, over its own sizes only."""
    values = {"cpu_us": 1.0, "cpu_us_message": 1.0}
    samples = [
        Sample("holdfast", run, {"grows": what, "to": size}, dict.fromkeys(values, float(cost)))
        for run in range(3)
        for what, sizes in {"members": {10: 5, 100: 5}, "rooms": {10: 2, 1000: 200}}.items()
        for size, cost in sizes.items()
    ]
    text = "\n".join(growth_lines(_series(samples)))
    assert "is flat: members^0.00, from 5.00 to 5.00 µs" in text
    assert "grows at most linearly: rooms^1.00" in text
    assert text.count("farther than 0% from") == 2
    assert "nodes" not in text


def test_two_processes_are_compared_with_one_of_the_same_repetition() -> None:
    """Twice the capacity in each repetition is 2.00, whatever the repetitions did."""
    samples = [
        Sample("holdfast", run, {"processes": n, OVER: over}, {"capacity_per_s": times * noise})
        for run, noise in enumerate((100.0, 300.0))
        for n, over, times in ((1, 1, 2), (2, 1, 4), (2, 2, 3))
    ]
    (said,) = [line for line in scaling_lines(_series(samples)) if line.startswith("*")]
    assert said.startswith("* holdfast: 2.00 (2.00–2.00) × when")
    assert "1.50 (1.50–1.50) × when" in said
