"""What is kept of rooms: no key for ever that should end, nothing of those that never were."""

import pytest

from chat.errors import Refusal
from deploy.local.cluster import Cluster
from tests.resilience.nodes import OpenNode
from tests.resilience.recorder import draft


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
