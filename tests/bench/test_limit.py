"""How far fan-out is from what the system calls alone would take."""

from bench.limit import limit_lines
from bench.results import Sample, Series


def test_the_limit_is_a_send_for_all_in_flight_together() -> None:
    """A call of 6 µs, eight messages in it: 0.75 µs a delivery; 1.5 µs are twice that."""
    at = {"subscribers": 200, "in flight": 8}
    samples = [
        Sample("holdfast", 0, at, {"cpu_us": 1.5, "reads_per_delivery": 0.13}),
        Sample("sends", 0, at, {"cpu_us": 1.5, "reads_per_delivery": 0.25}),
    ]
    line = limit_lines(Series("fanout", "", samples, {}))[1]
    assert "a `send()` is 6.0 (6.0–6.0) µs" in line
    assert "at least 0.75 (0.75–0.75) µs" in line
    assert "2.00 (2.00–2.00) times" in line


def test_nothing_is_said_where_the_limit_was_not_measured() -> None:
    """A run without the C program, or in which it was refused, has no limit."""
    at = {"subscribers": 200, "in flight": 8}
    ours = Sample("holdfast", 0, at, {"cpu_us": 1.5, "reads_per_delivery": 0.13})
    refused = Sample("sends", 0, at, {}, "late")
    assert limit_lines(Series("fanout", "", [ours], {})) == []
    assert limit_lines(Series("fanout", "", [ours, refused], {})) == []
