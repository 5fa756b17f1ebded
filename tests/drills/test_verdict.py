"""The drill table's rows say what the checker found, each breach in one column."""

from itertools import chain
from random import Random

from tests.drills.checker.check import INVARIANTS, check
from tests.drills.history import Info, Invoke, LogRead, Ok, Plan, Record
from tests.drills.legal import legal
from tests.drills.mutants.logs import store_twice
from tests.drills.verdict import COLUMNS, HEADINGS, row, table


def test_each_invariant_has_one_column() -> None:
    """Every breach is counted, and none twice."""
    assert sorted(chain.from_iterable(COLUMNS.values())) == sorted(INVARIANTS)


def test_a_row_counts_messages() -> None:
    """Three messages: one acked at once, one by its retry, one never: 2 acked, 1 of 2 resolved."""
    history: list[Record] = [
        Plan(t=1, drill="F01", sources=("master",)),
        Invoke(t=2, room="r", user="u", cid="a", text="a"),
        Invoke(t=3, room="r", user="u", cid="b", text="b"),
        Invoke(t=4, room="r", user="u", cid="c", text="c"),
        Ok(t=5, attempt=2, seq=1),
        Info(t=6, attempt=3, code="unavailable"),
        Invoke(t=7, room="r", user="u", cid="b", text="b"),
        Ok(t=8, attempt=7, seq=2),
        LogRead(t=9, source="master", room="r", epoch="k", entries=()),
    ]
    found = row(history, check(history))
    assert (found.drill, found.acked, found.unknown, found.resolved) == ("F01", 2, 2, 1)
    assert (found.lost, found.verdict) == (2, "FAIL")


def test_the_table_shows_each_row() -> None:
    """The table has its headings, and a clean and a broken run one line each."""
    clean = legal(5)
    broken = store_twice(clean, Random(5))
    lines = table(row(it, check(it)) for it in (clean, broken)).splitlines()
    assert [len(line.split("|")) for line in lines] == [len(HEADINGS) + 2] * 4
    assert lines[2].startswith("| legal-5 | ")
    assert lines[2].endswith("| PASS |")
    assert lines[3].endswith("| FAIL |")
