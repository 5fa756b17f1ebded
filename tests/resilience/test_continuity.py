"""Continuity: whether the history that was committed goes on, by replication ids."""

import pytest

from resilience.continuity import Continuity, Lineage, judge

BEFORE = Lineage("one", "zero", 5)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (Lineage("one", "zero", 5), Continuity.CONTINUED),
        (Lineage("two", "one", 101), Continuity.CONTINUED),
        (Lineage("two", "one", 100), Continuity.BROKEN),
        (Lineage("two", "other", 1_000), Continuity.DOUBTFUL),
        (Lineage("two", "", -1), Continuity.DOUBTFUL),
    ],
    ids=["same master", "had all", "one byte short", "grandchild", "restarted"],
)
def test_lineages_are_judged(now: Lineage, expected: Continuity) -> None:
    """A direct successor is judged by its offset, the same master is itself, others are doubted."""
    assert judge(BEFORE, 100, now) is expected


def test_who_saw_nothing_has_nothing_to_lose() -> None:
    """Without a master before, every history is the first."""
    assert judge(None, -1, BEFORE) is Continuity.CONTINUED


def test_a_lineage_is_read_from_info() -> None:
    """The fields of INFO replication are taken; missing or mad ones make it doubtful later."""
    fields = {"master_replid": "a", "master_replid2": "b", "second_repl_offset": "7"}
    assert Lineage.read(fields) == Lineage("a", "b", 7)
    assert Lineage.read({"second_repl_offset": "x"}) == Lineage("", "", -1)
