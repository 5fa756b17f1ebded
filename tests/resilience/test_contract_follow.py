"""`MessageLog.follow`: one ordered stream of what is safe, from a position on."""

import asyncio

from chat.log import MessageLog, Position
from tests.resilience.nodes import OpenNode
from tests.resilience.recorder import Recorder, draft, texts


async def test_the_stream_begins_at_the_position(log: MessageLog, heard: Recorder) -> None:
    """Every event above the position comes, in order and once; none at or below it."""
    await asyncio.gather(*[log.append(draft()) for _ in range(5)])
    position = await log.follow("den")
    assert position.seq == 5
    for _ in range(3):
        await log.append(draft())
    await asyncio.gather(*[log.append(draft()) for _ in range(50)])
    await heard.hears(58)
    assert heard.seqs() == list(range(6, 59))
    assert {commit.epoch for commit in heard.commits} == {position.epoch}


async def test_what_was_appended_here_is_heard_at_once(log: MessageLog, heard: Recorder) -> None:
    """With its receipt an event has come on the node that appended it: both leave in one write."""
    await log.follow("den")
    for seq in range(1, 21):
        await log.append(draft())
        assert heard.seqs() == list(range(1, seq + 1))


async def test_an_empty_room_can_be_followed(log: MessageLog, heard: Recorder) -> None:
    """The stream of a room nobody wrote to begins at 0."""
    position = await log.follow("den")
    assert position == Position((await log.read("den", limit=0)).epoch, 0)
    await log.append(draft())
    await heard.hears(1)


async def test_following_amid_appends_loses_nothing(log: MessageLog, heard: Recorder) -> None:
    """Followed amid appends, all events above the position come, once.

    Some below it may have come before the position was known.
    """

    async def talk(user: str) -> None:
        for _ in range(30):
            await log.append(draft(user=user))

    talking = [asyncio.create_task(talk(user)) for user in ("ann", "bo", "cy")]
    while (await log.read("den", limit=0)).head < 10:
        await asyncio.sleep(0)
    position = await log.follow("den")
    await asyncio.gather(*talking)
    await heard.hears(90)
    first = heard.seqs()[0]
    assert 10 < first <= position.seq + 1
    assert heard.seqs() == list(range(first, 91))


async def test_the_past_and_the_stream_meet(log: MessageLog, heard: Recorder) -> None:
    """A page read after following, and the stream above it, are the whole log once."""
    writing = [log.append(draft(f"{seq}")) for seq in range(1, 101)]
    await log.follow("den")
    page = await log.read("den", limit=200)
    await asyncio.gather(*writing)
    await log.append(draft("101"))
    await heard.hears(101)
    live = [event for event in heard.events() if event.seq > page.head]
    assert texts([*page.events, *live]) == [f"{seq}" for seq in range(1, 102)]


async def test_following_twice_is_following(log: MessageLog, heard: Recorder) -> None:
    """A second follow names a position and doubles nothing, however close on the first."""
    await log.append(draft())
    first, second = await asyncio.gather(log.follow("den"), log.follow("den"))
    assert first == second
    await log.append(draft())
    await log.follow("den")
    await log.append(draft())
    await heard.hears(3)
    assert heard.seqs() == [2, 3]


async def test_unfollowing_once_is_enough(log: MessageLog, heard: Recorder) -> None:
    """However often a room was followed, after one unfollow nothing comes until it is again."""
    await log.follow("den")
    await log.follow("den")
    await log.append(draft("heard"))
    await heard.hears(1)
    log.unfollow("den")
    await log.append(draft("unheard"))
    position = await log.follow("den")
    assert position.seq == 2
    await log.append(draft("heard again"))
    await heard.hears(3)
    assert texts(heard.events()) == ["heard", "heard again"]


async def test_unfollowing_what_is_not_followed_is_nothing(log: MessageLog) -> None:
    """Unfollowing a room that never was followed harms nothing."""
    log.unfollow("den")
    assert (await log.append(draft())).seq == 1


async def test_only_followed_rooms_are_heard(log: MessageLog, heard: Recorder) -> None:
    """Of several rooms the listener hears those followed, each in its own order."""
    await log.follow("a")
    await log.follow("b")
    rooms = ["a", "c", "b", "a", "c", "b", "a"]
    await asyncio.gather(*[log.append(draft(room=room)) for room in rooms])
    await heard.hears(3, "a")
    await heard.hears(2, "b")
    assert (heard.seqs("a"), heard.seqs("b"), heard.seqs("c")) == ([1, 2, 3], [1, 2], [])


async def test_trimming_does_not_touch_the_stream(open_node: OpenNode) -> None:
    """A follower hears every event, also those that history soon lets go."""
    node = await open_node(history=100)
    await node.log.follow("den")
    await asyncio.gather(*[node.log.append(draft()) for _ in range(500)])
    await node.heard.hears(500)
    assert node.heard.seqs() == list(range(1, 501))


async def test_nothing_is_lost_while_nothing_breaks(log: MessageLog, heard: Recorder) -> None:
    """No loss of history is told while the storage keeps it."""
    await log.follow("den")
    await log.append(draft())
    await heard.hears(1)
    assert heard.losses == []
