"""The ack rule where Redis itself does not help with it."""

import asyncio
import re

from deploy.local.cluster import Cluster
from resilience.quorum import _SPIN_S
from tests.resilience.nodes import OpenNode, talk
from tests.resilience.storages import forbidden

SAID = 3
ASKING = 2  # a lane, and the reader of revocations


async def test_a_refused_wait_does_not_spin(replicated: Cluster, open_replicated: OpenNode) -> None:
    """Without the right to WAIT the replicas are looked at again and again, with a rest between."""
    node, master = await open_replicated(), await replicated.master()
    loop = asyncio.get_running_loop()

    async def refused() -> int:
        told = await master.command("INFO", "commandstats")
        found = re.search(r"cmdstat_wait:.*rejected_calls=(\d+)", told)
        return int(found.group(1)) if found else 0

    before, began = await refused(), loop.time()
    async with forbidden(master, "wait"):
        await talk(node, "ann", SAID)
    times = await refused() - before
    assert SAID <= times <= ASKING * ((loop.time() - began) / _SPIN_S + SAID)
