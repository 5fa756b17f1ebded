"""Whether a topology is really healthy: every node asked, and every sentinel about every node."""

import asyncio
from collections.abc import Sequence
from typing import Final

from deploy.local.commands import UNANSWERED
from deploy.local.redis_node import RedisNode
from deploy.local.sentinel_node import MASTER_NAME, SentinelNode

FRESH: Final = ("lag=0", "lag=1")  # seconds since a replica's last word, as INFO ends its line
# Of a sentinel's flags; `master_down`, what it last said of the master, stays on for five seconds.
LOST: Final = {"s_down", "disconnected"}


async def named_master(sentinels: Sequence[SentinelNode]) -> int | None:
    """Return the port of the master that the latest configuration names, None if nobody answers."""
    views = await asyncio.gather(*(view(sentinel) for sentinel in sentinels))
    known = [seen for seen in views if seen]
    if not known:
        return None
    return int(max(known, key=lambda seen: int(seen["config-epoch"]))["port"])


async def view(sentinel: SentinelNode) -> dict[str, str]:
    """Return a sentinel's view of the master, empty if it does not answer."""
    try:
        return await sentinel.master()
    except UNANSWERED:
        return {}


async def role(node: RedisNode) -> str:
    """Return `master`, `slave` or `unreachable`."""
    try:
        return await node.role()
    except UNANSWERED:
        return "unreachable"


async def lacking(nodes: Sequence[RedisNode], sentinels: Sequence[SentinelNode]) -> list[str]:
    """Name what is not as it should be when all is well; an empty list is health."""
    roles = await asyncio.gather(*(role(node) for node in nodes))
    masters = [node for node, its in zip(nodes, roles, strict=True) if its == "master"]
    if len(masters) != 1:
        return [f"roles are {', '.join(roles)}"]
    master, replicas = masters[0], [node for node in nodes if node is not masters[0]]
    asked = [replication(master, replicas)]
    asked += [watch(sentinel, master, replicas, len(sentinels) - 1) for sentinel in sentinels]
    return [fault for faults in await asyncio.gather(*asked) for fault in faults]


async def replication(master: RedisNode, replicas: Sequence[RedisNode]) -> list[str]:
    """Say what lacks between the nodes: each serves, and follows the master, without lag.

    One that is loading its disk answers ROLE and INFO, and refuses whatever is of use.
    """
    try:
        state = await master.state()
        states = await asyncio.gather(*(node.state() for node in replicas))
    except UNANSWERED as error:
        return [f"a node does not answer ({type(error).__name__})"]
    online = [text for name, text in state.items() if name.removeprefix("slave").isdigit()]
    fit = [text for text in online if "state=online" in text and text.endswith(FRESH)]
    lost = [one for one in states if one.get("master_link_status") != "up"]
    faults = [f"{len(fit)} replicas are online"] if len(fit) != len(replicas) else []
    faults += [f"{len(lost)} replicas have no master"] if lost else []
    loading = [one for one in (state, *states) if one.get("loading") != "0"]
    return faults + ([f"{len(loading)} nodes are loading"] if loading else [])


async def watch(
    sentinel: SentinelNode, master: RedisNode, replicas: Sequence[RedisNode], peers: int
) -> list[str]:
    """Say what a sentinel lacks: knowing all nodes, all up, and enough of its kind to act."""
    try:
        seen, followers, others = await asyncio.gather(
            sentinel.master(), sentinel.others("REPLICAS"), sentinel.others("SENTINELS")
        )
        await sentinel.command("SENTINEL", "CKQUORUM", MASTER_NAME)
    except UNANSWERED as error:
        return [f"{sentinel.name}: {type(error).__name__} {error}"]
    up = {int(one["port"]) for one in followers if is_following(one, master)}
    friends = [one for one in others if not LOST & set(one["flags"].split(","))]
    found = (int(seen["port"]), seen["flags"], up, len(friends))
    if found == (master.announced, "master", {node.announced for node in replicas}, peers):
        return []
    return [f"{sentinel.name}: sees master {seen['flags']}, replicas {up}, {len(friends)} peers"]


def is_following(replica: dict[str, str], master: RedisNode) -> bool:
    """Say whether a sentinel's view of a replica is that of one which follows this master."""
    link = (replica["flags"], replica["master-link-status"], replica["master-port"])
    return link == ("slave", "ok", str(master.announced))
