"""Presence in memory: what happens within one calm is one change, and timers end with it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chat.frames import User
from resilience.presence_memory import MemoryPresence
from tests.resilience.recorder import Change, Recorder

CALM_S = 0.1
ANN, BO = User("ann"), User("bo")


@pytest.fixture
def heard() -> Recorder:
    return Recorder()


@pytest.fixture
async def presence(heard: Recorder) -> AsyncIterator[MemoryPresence]:
    presence = MemoryPresence(heard, CALM_S)
    yield presence
    presence.close()


async def told(heard: Recorder, count: int) -> list[Change]:
    """Return the changes of the room as soon as there are so many."""
    await heard.until(lambda heard: len(heard.changes.get("den", [])) >= count)
    return heard.changes["den"]


async def test_a_calm_is_one_change(presence: MemoryPresence, heard: Recorder) -> None:
    """All who came and went within one calm are in one call, and the count is the last."""
    presence.enter("den", "1", ANN)
    await asyncio.sleep(0)
    presence.enter("den", "2", BO)
    assert await told(heard, 1) == [Change(2, ["ann", "bo"], [])]
    presence.leave("den", "1")
    presence.enter("den", "3", User("cy"))
    assert await told(heard, 2) == [Change(2, ["ann", "bo"], []), Change(2, ["cy"], ["ann"])]


async def test_coming_and_going_is_no_change(presence: MemoryPresence, heard: Recorder) -> None:
    """Who came and went, or went and came back, within one calm causes no call at all."""
    presence.enter("den", "1", ANN)
    await told(heard, 1)
    presence.leave("den", "1")
    await asyncio.sleep(0)
    presence.enter("den", "2", BO)
    presence.enter("den", "3", ANN)
    await asyncio.sleep(0)
    presence.leave("den", "2")
    presence.enter("lounge", "fence", BO)
    await heard.until(lambda heard: "lounge" in heard.changes)
    assert heard.changes["den"] == [Change(1, ["ann"], [])]


async def test_the_latest_name_is_shown(presence: MemoryPresence, heard: Recorder) -> None:
    """A second connection under a new name renames the member, in the view and when told."""
    presence.enter("den", "1", User("ann", "Ann"))
    presence.enter("den", "2", User("ann", "Anna"))
    assert (await presence.view("den", 1)).members == [User("ann", "Anna")]
    assert (await told(heard, 1))[0].join == ["ann"]


async def test_empty_rooms_cost_nothing(presence: MemoryPresence, heard: Recorder) -> None:
    """A room that all have left is forgotten, with its timer."""
    presence.enter("den", "1", ANN)
    await told(heard, 1)
    presence.leave("den", "1")
    presence.leave("nowhere", "1")
    assert await told(heard, 2) == [Change(1, ["ann"], []), Change(0, [], ["ann"])]
    assert presence._rooms == {}


async def test_nothing_is_told_after_the_end(presence: MemoryPresence, heard: Recorder) -> None:
    """A change that waits when presence is closed is never told: its timer ends with it."""
    presence.enter("den", "1", ANN)
    telling = presence._rooms["den"].telling
    presence.close()
    assert telling is not None
    assert telling.cancelled()
    assert heard.changes == {}
