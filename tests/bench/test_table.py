"""The tables of the report."""

from bench.results import Sample, Series
from bench.table import table
from bench.workloads.workload import Case, Column, Workload


def _workload(*also: int) -> Workload:
    cases = tuple(Case({"in flight": many}, lambda _: {}) for many in (8, *also))
    columns = (Column("CPU µs", "cpu_us", ".1f", compared=True),)
    return Workload("fanout", "", ("holdfast", "plain"), cases, columns)


def test_a_row_has_the_value_its_spread_and_its_ratio_to_the_first_peer() -> None:
    """The first peer measured is 1; the other is as many times it as it was in each run."""
    samples = [
        Sample(peer, run, {"in flight": 8}, {"cpu_us": cost * (run + 1)})
        for run in range(3)
        for peer, cost in (("holdfast", 1.0), ("plain", 6.0))
    ]
    text = table(_workload(), Series("fanout", "", samples, machine={}), {"plain": "Plain"})
    assert "| Plain | 8 | 12.0 (6.0–18.0) | 6.00 (6.00–6.00) × |" in text


def test_a_refused_run_gives_no_number() -> None:
    """A peer whose every run was refused shows a dash, never a zero."""
    good = Sample("holdfast", 0, {"in flight": 8}, {"cpu_us": 1.0})
    bad = Sample("plain", 0, {"in flight": 8}, {}, refused="3 gaps")
    text = table(_workload(), Series("fanout", "", [good, bad], machine={}), {})
    assert "| plain | 8 | – | – |" in text


def test_runs_that_were_refused_are_counted() -> None:
    """A median of one run of two says so."""
    good = Sample("holdfast", 0, {"in flight": 8}, {"cpu_us": 1.0})
    bad = Sample("holdfast", 1, {"in flight": 8}, {}, refused="3 gaps")
    text = table(_workload(), Series("fanout", "", [good, bad], machine={}), {})
    assert "| holdfast | 8 | 1.0 (1.0–1.0) [1 of 2] |" in text


def test_a_case_that_was_not_run_has_no_row() -> None:
    """Of a workload that was told to run some of its cases only these are shown."""
    sample = Sample("holdfast", 0, {"in flight": 8}, {"cpu_us": 1.0})
    text = table(_workload(32), Series("fanout", "", [sample], machine={}), {})
    assert len(text.splitlines()) == 3
