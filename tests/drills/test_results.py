"""Results kept and shown: the table says what the file says."""

from pathlib import Path

import pytest

from tests.drills.results import BEGIN, END, Result, keep, latest, table, written
from tests.drills.verdict import COLUMNS


def result(seed: int, verdict: str = "PASS", **differently: object) -> Result:
    values = {
        "drill": "F01", "seed": seed, "verdict": verdict, "faults": 5, "proved": 5, "failovers": 5,
        "acked": 1000, "breaches": dict.fromkeys(COLUMNS, 0), "unknown": 2, "resolved": 2,
        "longest_recovery": 2.5, "longest_wait": 3.0, "sockets": "72/72", "seconds": 50.0,
    }  # fmt: skip
    return Result(**(values | differently))  # type: ignore[arg-type]


def test_the_last_result_of_a_seed_counts(tmp_path: Path) -> None:
    """A drill run again after a mend replaces what it was, and keeps its seed."""
    path = tmp_path / "results.jsonl"
    for one in (result(1, "FAIL"), result(2), result(1)):
        keep(path, one)
    assert latest(path) == [result(1), result(2)]


def test_what_failed_is_not_counted_as_passed() -> None:
    """The table sums what was proved, lost and acknowledged, and shows the worst times."""
    drawn = table([result(1), result(2, "FAIL", longest_recovery=9.5, proved=4)]).splitlines()
    cells = [cell.strip() for cell in drawn[2].split("|")]
    assert cells[3:7] == ["1/2", "9/10", "10", "2,000"]
    assert "9.50" in cells


def test_a_page_keeps_all_but_its_table() -> None:
    """Only what stands between the marks is replaced; a page without marks is an error."""
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert written(page, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    with pytest.raises(ValueError, match="marks"):
        written("before", "new")
