"""`Presence`: who is in which room, each user once, and what the listener is told of it."""

import random

import pytest

from chat.engine import Engine
from chat.frames import PresenceView, User
from chat.presence import Presence
from tests.resilience.recorder import Recorder, until

ANN, BO, CY = User("ann", "Ann"), User("bo"), User("cy", "Cy")


@pytest.fixture
async def presence(engine: Engine) -> Presence:
    """The presence of an engine whose node hears the room."""
    await engine.log.follow("den")
    return engine.presence


async def view_of(presence: Presence, count: int, *, room: str = "den") -> PresenceView:
    """Return the view of a room as soon as it counts so many."""
    return await until(lambda: presence.view(room, 100), lambda view: view.count == count)


async def test_a_room_with_nobody_is_empty(presence: Presence) -> None:
    """Of a room nobody is in the count is 0 and there are no members."""
    assert await presence.view("den", 10) == PresenceView(0, [])


async def test_members_are_shown_by_id(presence: Presence) -> None:
    """Those who entered are counted and shown in the order of their ids, by their names."""
    for user in (CY, ANN, BO):
        presence.enter("den", f"conn-{user.id}", user)
    assert (await view_of(presence, 3)).members == [ANN, BO, CY]


async def test_a_view_is_cut_and_its_count_is_not(presence: Presence) -> None:
    """With a limit the first members by id are shown, and all are counted."""
    for user in (CY, BO, ANN):
        presence.enter("den", f"conn-{user.id}", user)
    await view_of(presence, 3)
    assert await presence.view("den", 2) == PresenceView(3, [ANN, BO])
    assert await presence.view("den", 0) == PresenceView(3, [])


async def test_a_user_counts_once(presence: Presence, heard: Recorder) -> None:
    """Of several connections of a user the first is told as coming and the last as going."""
    presence.enter("den", "phone", ANN)
    presence.enter("den", "laptop", ANN)
    assert (await view_of(presence, 1)).members == [ANN]
    await heard.until(lambda heard: heard.members() == {"ann"})
    presence.leave("den", "phone")
    presence.enter("den", "fence", BO)
    await heard.until(lambda heard: heard.members() == {"ann", "bo"})
    presence.leave("den", "laptop")
    assert (await view_of(presence, 1)).members == [BO]
    await heard.until(lambda heard: heard.members() == {"bo"})


async def test_entering_again_is_one_connection(presence: Presence) -> None:
    """A connection that enters twice and leaves once is gone."""
    presence.enter("den", "phone", ANN)
    presence.enter("den", "phone", ANN)
    presence.enter("den", "laptop", BO)
    await view_of(presence, 2)
    presence.leave("den", "phone")
    assert (await view_of(presence, 1)).members == [BO]


async def test_leaving_what_was_not_entered_is_nothing(presence: Presence) -> None:
    """Neither an unknown room nor an unknown connection nor leaving twice changes a count."""
    presence.leave("nowhere", "phone")
    presence.enter("den", "phone", ANN)
    presence.enter("den", "laptop", BO)
    presence.leave("den", "unknown")
    presence.leave("den", "phone")
    presence.leave("den", "phone")
    assert (await view_of(presence, 1)).members == [BO]
    assert (await presence.view("nowhere", 10)).count == 0


async def test_rooms_are_apart(presence: Presence, heard: Recorder) -> None:
    """One connection in two rooms counts in each, and leaves one only."""
    presence.enter("den", "phone", ANN)
    presence.enter("lounge", "phone", ANN)
    await view_of(presence, 1, room="lounge")
    presence.leave("lounge", "phone")
    await view_of(presence, 0, room="lounge")
    assert (await view_of(presence, 1)).members == [ANN]
    await heard.until(lambda heard: heard.members() == {"ann"})


async def test_who_only_looked_in_is_not_told(presence: Presence, heard: Recorder) -> None:
    """A user who came and went at once is told neither as coming nor as going."""
    presence.enter("den", "phone", ANN)
    presence.leave("den", "phone")
    presence.enter("den", "laptop", BO)
    await heard.until(lambda heard: heard.members() == {"bo"})
    presence.leave("den", "laptop")
    presence.enter("den", "laptop", BO)
    presence.enter("den", "tablet", CY)
    await heard.until(lambda heard: heard.members() == {"bo", "cy"})
    told = [user for change in heard.changes["den"] for user in change.join + change.leave]
    assert told == ["bo", "cy"]


async def test_a_crowd_is_told_in_few_changes(presence: Presence, heard: Recorder) -> None:
    """A hundred who enter at once come in a handful of changes, each told once."""
    users = {f"u{index}" for index in range(100)}
    for user in users:
        presence.enter("den", f"conn-{user}", User(user))
    await heard.until(lambda heard: heard.members() == users)
    assert len(heard.changes["den"]) <= 5


async def test_what_is_told_adds_up(presence: Presence, heard: Recorder) -> None:
    """After any coming and going, what was told leads to what is seen."""
    chance = random.Random(7)
    for _ in range(500):
        user = User(f"u{chance.randrange(8)}")
        conn = f"{user.id}-{chance.randrange(3)}"
        if chance.random() < 0.5:
            presence.enter("den", conn, user)
        else:
            presence.leave("den", conn)
        if chance.random() < 0.02:
            await presence.view("den", 100)
    presence.enter("den", "last", User("last"))
    await heard.until(lambda heard: "last" in heard.members())

    async def seen() -> set[str]:
        return {user.id for user in (await presence.view("den", 100)).members or []}

    assert await until(seen, lambda users: users == heard.members())
