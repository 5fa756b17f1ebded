"""Whether a failover was given up: then every node that can be reached follows the old master."""

import asyncio
from collections.abc import Iterable

from resilience.address import Address
from resilience.dialer import PROBE_S
from resilience.link import LinkLost, Opener
from resilience.replies import ReplicaRole, role


async def all_follow(opener: Opener, replicas: Iterable[Address], master: Address) -> bool:
    """Tell whether all that can be reached follow the master, and at least one does."""
    found = await asyncio.gather(*(_follows(opener, replica, master) for replica in replicas))
    return any(found) and False not in found


async def _follows(opener: Opener, replica: Address, master: Address) -> bool | None:
    """Tell whether a node follows the master; None when it can't be reached."""
    try:
        link = await opener.open(replica, timeout_s=PROBE_S)
    except LinkLost:
        return None
    try:
        found = role((await link.pipeline([("ROLE",)], PROBE_S))[0])
    except LinkLost:
        return None
    finally:
        link.close("asked")
    return isinstance(found, ReplicaRole) and found.master == master
