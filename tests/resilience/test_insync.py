"""The in-sync set: who must have a batch, who joins and who leaves."""

from resilience.address import Address
from resilience.insync import NEAR_BYTES, InSync
from resilience.replies import MasterRole

A, B, C = (Address("h", port) for port in (1, 2, 3))


def role(offset: int, **acked: int) -> MasterRole:
    names = {"a": A, "b": B, "c": C}
    return MasterRole(offset, {names[name]: at for name, at in acked.items()})


def test_every_member_must_have_it() -> None:
    """An offset is covered only when each member has acknowledged it."""
    insync = InSync(1, [A, B])
    assert insync.covers(10, role(10, a=10, b=10))
    assert not insync.covers(10, role(10, a=10, b=9))
    assert not insync.covers(10, role(10, a=10))


def test_others_do_not_stand_in_for_a_member() -> None:
    """Two acknowledgements are not enough when one is of a replica outside the set."""
    insync = InSync(1, [A, B])
    assert not insync.covers(10, role(10, a=10, c=10))
    assert insync.lacking(10, role(10, a=10, c=10)) == {B}


def test_the_floor_holds_without_members() -> None:
    """With no member left nothing is covered until as many replicas as the floor have it."""
    insync = InSync(1, [])
    assert not insync.covers(10, role(10))
    assert not insync.covers(10, role(10, a=9))
    assert insync.covers(10, role(10, a=10))


def test_one_that_keeps_up_joins_at_once() -> None:
    """A replica seen online joins with the very ROLE that shows it, unless it is far behind."""
    insync = InSync(1, [A])
    insync.observe(role(2 * NEAR_BYTES, a=2 * NEAR_BYTES, b=2 * NEAR_BYTES - 1, c=1))
    assert insync.members == {A, B}
    assert insync.wanted == 2


def test_one_that_left_joins_only_when_it_moves() -> None:
    """A frozen replica stays online for a while: it is no member again until it acknowledges."""
    insync = InSync(1, [A, B])
    insync.leave(B, role(10, a=10, b=7))
    insync.observe(role(11, a=11, b=7))
    assert insync.members == {A}
    insync.observe(role(12, a=12, b=12))
    assert insync.members == {A, B}


def test_a_count_alone_knows_no_members() -> None:
    """By the weaker rule any replicas count, and nobody is asked for by name."""
    insync = InSync(1, [A, B], electable=False)
    insync.observe(role(10, a=10, b=10, c=10))
    assert insync.members == set()
    assert insync.covers(10, role(10, c=10))
    assert InSync(0, [], electable=False).covers(10, role(10))
