"""The roll of a room: users over nodes, and what is to be told."""

from chat.frames import User
from resilience.roll import Change, Roll

ANN, BO = User("ann", "Ann"), User("bo")


def test_a_user_on_two_nodes_counts_once() -> None:
    """A user is told when the first node has them and when the last one has not."""
    roll = Roll()
    roll.enter(ANN, "a")
    roll.enter(ANN, "b")
    assert roll.change() == Change(1, [ANN], [])
    roll.leave("ann", "a")
    assert roll.change() is None
    roll.leave("ann", "b")
    assert roll.change() == Change(0, [], ["ann"])


def test_a_dead_node_takes_its_users_with_it() -> None:
    """Who was there by way of the dead node alone is gone; others stay."""
    roll = Roll()
    roll.enter(ANN, "a")
    roll.enter(ANN, "b")
    roll.enter(BO, "b")
    roll.change()
    roll.bury("b")
    assert roll.change() == Change(1, [], ["bo"])


def test_the_storage_speaks_for_the_others_only() -> None:
    """Replacing changes what other nodes have, never what this one has."""
    roll = Roll()
    roll.enter(ANN, "a")
    roll.enter(BO, "b")
    assert roll.replace({"c": {"cy": None}}, "a")
    assert roll.change() == Change(2, [ANN, User("cy")], [])
    assert roll.seeded


def test_only_what_is_not_known_is_news() -> None:
    """The storage has news if it has others than were heard, or one of them by another name."""
    roll = Roll()
    roll.enter(ANN, "a")
    roll.enter(ANN, "b")
    assert not roll.replace({"b": {"ann": "Ann"}}, "a")
    assert roll.replace({"b": {"ann": "Anne"}}, "a")
    assert roll.view(1).members == [User("ann", "Anne")]
    assert roll.replace({}, "a")
    assert not roll.replace({}, "a")
    assert roll.entries == 1


def test_who_came_and_went_is_not_told() -> None:
    """A user who is gone before anything was told is told of neither way."""
    roll = Roll()
    roll.enter(ANN, "a")
    roll.leave("ann", "a")
    roll.leave("ann", "a")
    assert roll.change() is None
    assert roll.view(5).count == 0


def test_who_came_and_went_is_forgotten() -> None:
    """However many come and go between two tellings, none of their names is kept."""
    roll = Roll()
    roll.enter(ANN, "a")
    for user in (User(f"u{index}") for index in range(1_000)):
        roll.enter(user, "a")
        roll.leave(user.id, "a")
    assert roll.change() == Change(1, [ANN], [])
    assert roll._names == {"ann": "Ann"}
