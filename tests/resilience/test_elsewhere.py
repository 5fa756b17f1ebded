"""Whether other nodes hear a room: who is told, and that nobody is told nothing who should be."""

import asyncio
import re
from collections.abc import Sequence

import pytest

from deploy.local.cluster import Cluster
from resilience.elsewhere import Elsewhere
from resilience.feed import LOOK_S
from resilience.link import Reply, ReplyError
from tests.resilience.nodes import OpenNode, Pair, talk
from tests.resilience.recorder import draft
from tests.resilience.storages import forbidden

SOON_S = LOOK_S / 2  # by then it has come by the channel, and not by the look at the heads
ROOMS = 60


class Hearing:
    """This node's own subscriptions, as a test wants them."""

    def __init__(self, *rooms: str) -> None:
        self.rooms: dict[str, object] = {room: object() for room in rooms}

    def __call__(self, channels: Sequence[bytes]) -> list[object | None]:
        return [self.rooms.get(channel.decode()[4:-1]) for channel in channels]


def counted(*counts: int) -> Reply:
    return [part for count in counts for part in (b"channel", count)]


@pytest.mark.parametrize(
    ("own", "reply", "heard"),
    [
        ((), counted(0, 0), set()),
        ((), counted(1, 0), {"a"}),
        (("a", "b"), counted(1, 1), set()),
        (("a", "b"), counted(1, 2), {"b"}),
        (("a", "b"), counted(0, 1), {"a"}),  # ours had ended unknown to us: who is left?
        (("a",), counted(0, 0), {"a"}),
        (("a", "b"), counted(1), {"a", "b"}),
        (("a", "b"), ReplyError("NOPERM"), {"a", "b"}),
        (("a", "b"), None, {"a", "b"}),
        (("a", "b"), [b"a", b"1", b"b", None], {"a", "b"}),
    ],
)
def test_the_count_without_our_own(own: Sequence[str], reply: Reply, heard: set[str]) -> None:
    """Others hear what is counted beside our own; what can't be read may be heard by anybody."""
    assert Elsewhere(Hearing(*own), ["a", "b"]).rooms(reply) == heard


def test_it_asks_for_the_channels() -> None:
    """One command for all rooms of a batch."""
    asked = Elsewhere(Hearing(), ["a", "b"]).question
    assert asked == ("PUBSUB", "NUMSUB", b"hf:{a}", b"hf:{b}")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_ours_changed_meanwhile(count: int) -> None:
    """A subscription that began, ended or was renewed in between was counted, or it wasn't."""
    hearing = Hearing("renewed", "ended")
    elsewhere = Elsewhere(hearing, ["renewed", "ended", "begun"])
    hearing.rooms = {"renewed": object(), "begun": object()}
    assert elsewhere.rooms(counted(count, count, count)) == {"renewed", "ended", "begun"}


async def published(shared: Cluster) -> int:
    """Return how often the master was told to publish anything."""
    told = await (await shared.master()).command("INFO", "commandstats")
    found = re.search(r"cmdstat_publish:calls=(\d+)", told)
    return int(found.group(1)) if found else 0


async def test_a_room_of_one_node_is_not_published(shared: Cluster, open_shared: OpenNode) -> None:
    """Nobody is told what nobody else hears; from another node's subscription on it is told."""
    a = await open_shared()
    await a.log.follow("den")
    before = await published(shared)
    await talk(a, "ann", 20)
    await talk(a, "ann", 20, "unheard")
    assert await published(shared) - before < 20  # what sentinels and leases say
    b = await open_shared()
    await b.log.follow("den")
    await talk(a, "ann", 20)
    assert await published(shared) - before >= 20
    await b.heard.hears(40)


async def test_who_may_not_ask_publishes_all(shared: Cluster, pair: Pair) -> None:
    """An older list of rights costs the calls that asking saves, and it is counted."""
    await asyncio.gather(pair.a.log.follow("den"), pair.b.log.follow("den"))
    async with forbidden(await shared.master(), "pubsub|numsub"):
        await talk(pair.a, "ann", 5)
    async with asyncio.timeout(SOON_S):
        await pair.b.heard.hears(5)
    assert pair.a.engine.statistics().errors["publish NOPERM"] == 5


async def test_who_comes_amid_appends_waits_for_nothing(pair: Pair) -> None:
    """Wherever between append and commit a node subscribes, it soon has all above its place."""

    async def come(room: str, turns: int) -> None:
        talking = asyncio.create_task(talk(pair.a, "ann", 10, room))
        for _ in range(turns):
            await asyncio.sleep(0)
        position = await pair.b.log.follow(room)
        await talking
        if position.seq < 10:
            async with asyncio.timeout(SOON_S):
                await pair.b.heard.hears(10, room)

    rooms = [f"room-{number}" for number in range(ROOMS)]
    await asyncio.gather(*[pair.a.log.follow(room) for room in rooms])
    for number, room in enumerate(rooms):
        await come(room, number)


async def test_a_node_that_hears_no_more_does_not_count_as_two(pair: Pair) -> None:
    """Of two that hear a room one goes, and comes again amid the other's appends."""
    await asyncio.gather(pair.a.log.follow("den"), pair.b.log.follow("den"))
    for _ in range(20):
        pair.b.log.unfollow("den")
        await pair.a.log.append(draft())
        position = await pair.b.log.follow("den")
        await pair.a.log.append(draft())
        async with asyncio.timeout(SOON_S):
            await pair.b.heard.hears(position.seq + 1)
