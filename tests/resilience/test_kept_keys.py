"""What is kept of rooms: no key for ever that should end, nothing of those that never were."""

import pytest

from chat.errors import Refusal
from chat.log import Receipt
from deploy.local.cluster import Cluster
from tests.resilience.nodes import OpenNode, opener
from tests.resilience.recorder import draft

MANY = 200_000
PART = 10_000  # of one call: a second of it, and Redis would be busy for everybody
FILLED_S = 10.0
ROOM_KEYS = ("hf:{den}:cids", "hf:{den}:meta")
FILL = """
local stem, turn = KEYS[1], redis.call('HGET', KEYS[2], 'turn')
for number = ARGV[1], ARGV[2] do
  redis.call('HSET', stem .. ':' .. turn, 'bo:' .. number, '2 2 -')
end
"""


async def test_rooms_that_never_were_push_out_no_other(open_shared: OpenNode) -> None:
    """Whoever reads any names one can think of makes a node forget nothing that it knows."""
    node = await open_shared()
    await node.log.append(draft(room="den"))
    for room in ("nowhere", "neverland"):
        assert (await node.log.read(room, limit=10)).head == 0
    assert list(node.redis.known) == ["den"]


async def test_keys_of_retries_end_though_the_first_message_was_refused(
    shared: Cluster, open_shared: OpenNode
) -> None:
    """A room that begins with a refusal forgets its keys as any other does."""
    node, master = await open_shared(publish=(1, 60)), await shared.master()
    await node.log.append(draft(room="lounge", user="ann"))
    with pytest.raises(Refusal):
        await node.log.append(draft(room="den", user="ann"))
    await node.log.append(draft(room="den", user="bo"))
    (stem,) = await master.command("KEYS", "hf:{den}:cids*")
    assert await master.command("PTTL", stem) > 0


async def test_no_key_is_forgotten_before_its_time() -> None:
    """However much is said in a room meanwhile, a repeat within the time finds its first self."""
    async with Cluster(replicas=0, sentinels=0) as cluster, opener(cluster.url()) as open_node:
        node, master, said = await open_node(), cluster.nodes[0], draft()
        first = await node.log.append(said)
        for _ in range(2):
            for first_of in range(1, MANY, PART):
                last = first_of + PART - 1
                await master.command("EVAL", FILL, 2, *ROOM_KEYS, first_of, last, deadline=FILLED_S)
            await node.log.append(draft())
        assert await node.log.append(said) == Receipt(first.seq, first.ts, dup=True)
