"""Continuity: whether the history that was committed goes on, by replication ids."""

import pytest

from resilience.continuity import YOUNG_S, Continuity, Lineage, judge

OLD_S = 3_600
BEFORE = Lineage("one", "zero", 5, OLD_S)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (Lineage("one", "zero", 5, 0), Continuity.CONTINUED),
        (Lineage("two", "one", 101, OLD_S), Continuity.CONTINUED),
        (Lineage("two", "one", 100, OLD_S), Continuity.BROKEN),
        (Lineage("two", "other", 1_000, OLD_S), Continuity.DOUBTFUL),
        (Lineage("two", "", -1, 0), Continuity.DOUBTFUL),
    ],
    ids=["same master", "had all", "one byte short", "grandchild", "restarted"],
)
def test_lineages_are_judged(now: Lineage, expected: Continuity) -> None:
    """A direct successor is judged by its offset, the same master is itself, others are doubted."""
    assert judge(BEFORE, 100, now) is expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (Lineage("one", "", -1, OLD_S), Continuity.CONTINUED),
        (Lineage("one", "", -1, YOUNG_S - 1), Continuity.DOUBTFUL),
        (BEFORE, Continuity.DOUBTFUL),
    ],
    ids=["long there", "just started", "promoted, who knows when"],
)
def test_a_newcomer_waits_for_those_who_know(now: Lineage, expected: Continuity) -> None:
    """Without a master before it has nothing to lose, but may fill what others have lost."""
    assert judge(None, -1, now) is expected


def test_a_lineage_is_read_from_info() -> None:
    """The fields of INFO replication are taken; missing or mad ones make it doubtful later."""
    fields = {"master_replid": "a", "master_replid2": "b", "second_repl_offset": "7"}
    assert Lineage.read(fields | {"uptime_in_seconds": "9"}) == Lineage("a", "b", 7, 9)
    assert Lineage.read(fields | {"uptime_in_seconds": "9", "loading": "1"}).up_s == 0
    mad = {"second_repl_offset": "x", "uptime_in_seconds": "-"}
    assert Lineage.read(mad) == Lineage("", "", -1, 0)
