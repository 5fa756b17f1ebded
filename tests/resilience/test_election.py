"""Elections: the highest epoch wins, and a deposed master is not believed under the same one."""

import pytest

from resilience.address import Address
from resilience.election import (
    FRESH_S,
    SETTLED_S,
    Candidate,
    Election,
    View,
    called_down,
    count_sentinels,
)
from resilience.replies import MasterView, ReplicaView

M, A, B = (Address("h", port) for port in (1, 2, 3))


def view(
    master: Address,
    epoch: int,
    asked: float = 0.0,
    *,
    failing_over: bool = False,
    down: tuple[Address, ...] = (),
) -> View:
    replicas = tuple(ReplicaView(each, each in down, 100) for each in (M, A, B) if each != master)
    return View(asked, MasterView(master, epoch, failing_over, 3), replicas)


@pytest.fixture
def election() -> Election:
    """An election that adopted M under epoch 1 at time 0."""
    election = Election()
    election.adopt(Candidate(M, 1), 0.0)
    return election


def test_the_highest_epoch_wins() -> None:
    """Two sentinels that are behind do not outvote one that knows of a later election."""
    views = [view(M, 1), view(A, 2), view(M, 1)]
    assert Election().candidate(views, 0.0) == Candidate(A, 2)


def test_nobody_is_believed_without_a_view() -> None:
    """Before any sentinel has answered there is no candidate, and an old answer is none."""
    assert Election().candidate([], 0.0) is None
    assert Election().candidate([view(M, 1)], FRESH_S + 1) is None


def test_without_sentinels_the_adopted_master_stays(election: Election) -> None:
    """When all sentinels are away the master is tried again, but not once it is deposed."""
    assert election.candidate([], 100.0) == Candidate(M, 1)
    election.depose(Candidate(M, 1))
    assert election.candidate([], 100.0) is None


def test_a_later_epoch_supersedes(election: Election) -> None:
    """Another master under a higher epoch takes the place; under the same or a lower none does."""
    assert election.supersedes([view(A, 2, 1.0)], 1.0) == Candidate(A, 2)
    assert election.supersedes([view(A, 1, 1.0)], 1.0) is None
    assert election.supersedes([view(M, 2, 1.0)], 1.0) is None


def test_answers_from_before_the_adoption_are_ignored(election: Election) -> None:
    """A sentinel asked before the adoption names the old master: that is no evidence."""
    election.adopt(Candidate(A, 2), 5.0)
    assert election.supersedes([view(M, 9, 4.9)], 5.1) is None


def test_a_chosen_successor_ends_the_trust_at_once(election: Election) -> None:
    """`+selected-slave` about our master makes the chosen one the candidate, ours is deposed."""
    assert election.select(M, A, 1.0)
    assert election.candidate([view(M, 1, 1.1)], 1.1) == Candidate(A, 2, chosen=True)
    assert M in election.deposed


def test_a_choice_about_another_master_is_not_ours(election: Election) -> None:
    """An event about somebody else's master, or naming the master itself, changes nothing."""
    assert not election.select(B, A, 1.0)
    assert not election.select(M, M, 1.0)
    assert election.candidate([view(M, 1, 1.1)], 1.1) == Candidate(M, 1)


def test_a_real_election_beats_a_choice(election: Election) -> None:
    """If the sentinels name another one under an epoch as high, the choice is forgotten."""
    election.select(M, A, 1.0)
    assert election.candidate([view(B, 2, 1.1)], 1.1) == Candidate(B, 2)


def test_a_deposed_master_needs_a_higher_epoch(election: Election) -> None:
    """A master that comes back is believed under a higher epoch only."""
    election.adopt(Candidate(A, 2), 5.0)
    assert election.candidate([view(M, 1, 6.0)], 6.0) is None
    assert election.candidate([view(M, 3, 6.0)], 6.0) == Candidate(M, 3)


def test_the_real_epoch_replaces_the_guess(election: Election) -> None:
    """The epoch of a chosen one is a guess from below until the sentinels name it."""
    election.select(M, A, 1.0)
    election.adopt(Candidate(A, 2, chosen=True), 1.1)
    election.confirm([view(A, 7, 2.0)], 2.0)
    assert election.adopted == Candidate(A, 7)
    assert election.supersedes([view(B, 5, 2.0)], 2.0) is None


@pytest.mark.parametrize("views", [[], [view(A, 2, 2.0)]], ids=["unnamed", "named"])
def test_a_chosen_one_that_was_adopted_is_the_candidate(
    election: Election, views: list[View]
) -> None:
    """From its adoption on it is told from no other master: it may be found to be the same."""
    election.select(M, A, 1.0)
    election.adopt(Candidate(A, 2, chosen=True), 1.1)
    election.confirm(views, 2.0)
    assert election.candidate(views, 2.0) == election.adopted


@pytest.mark.parametrize(
    ("views", "after", "expected"),
    [
        ([view(M, 1, 9.0), view(M, 1, 9.0)], SETTLED_S + 1, Candidate(M, 1)),
        ([view(M, 1, 9.0), view(M, 1, 9.0)], SETTLED_S - 1, None),
        ([view(M, 1, 9.0), view(M, 1, 9.0, failing_over=True)], SETTLED_S + 1, None),
        ([view(M, 1, 9.0), view(A, 2, 9.0)], SETTLED_S + 1, None),
        ([], SETTLED_S + 1, None),
    ],
    ids=["given up", "too soon", "still going on", "not all agree", "nobody says so"],
)
def test_a_failover_given_up(
    election: Election, views: list[View], after: float, expected: Candidate | None
) -> None:
    """Only when all sentinels go on naming the old master, in calm, may it be reinstated."""
    election.select(M, A, 9.0 - after)
    assert election.aborted(views, 9.0) == expected


def test_a_reinstated_master_is_trusted(election: Election) -> None:
    """After a failover that was given up the old master is the candidate again."""
    election.select(M, A, 1.0)
    election.reinstate(Candidate(M, 1))
    assert election.candidate([view(M, 1, 2.0)], 2.0) == Candidate(M, 1)


def test_a_majority_of_all_sentinels_calls_down() -> None:
    """Silent sentinels count against: two of three must say so, and lately."""
    saying = view(M, 1, down=(A,))
    assert called_down([saying, saying, view(M, 1)], A, 3, 0.0)
    assert not called_down([saying], A, 3, 0.0)
    assert not called_down([saying, saying], A, 4, 0.0)
    assert not called_down([saying, saying], A, 3, FRESH_S + 1)
    assert not called_down([saying, saying], B, 3, 0.0)


def test_sentinels_are_counted_generously() -> None:
    """There are as many sentinels as are listed, or as any of them knows."""
    assert count_sentinels([], 3) == 3
    assert count_sentinels([view(M, 1)], 1) == 3
