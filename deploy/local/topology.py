"""What can be asked of a topology and done to it: who is master, kill, hang, restart, fail over."""

import asyncio
from collections.abc import Sequence
from typing import Final

from deploy.local.chat_node import ChatNode
from deploy.local.commands import UNANSWERED
from deploy.local.health import lacking, named_master, role
from deploy.local.redis_node import RedisNode
from deploy.local.sentinel_node import MASTER_NAME, SentinelNode
from deploy.local.waiting import until, until_nothing_lacks

AnyNode = RedisNode | SentinelNode | ChatNode

# Seconds. Health takes two; after a former master came back, up to twenty: Sentinel waits for 8
# until it turns it round, and looks at a quiet node every 10.
HEALTH: Final = 30.0


class Topology:
    """Redis nodes, the sentinels that watch them, and the chat servers that use them."""

    def __init__(self) -> None:
        self.nodes: list[RedisNode] = []
        self.sentinels: list[SentinelNode] = []
        self.chats: list[ChatNode] = []

    @property
    def everybody(self) -> Sequence[AnyNode]:
        return [*self.nodes, *self.sentinels, *self.chats]

    def named(self, name: str) -> AnyNode:
        """Return the node of that name, such as `sentinel-2`; KeyError if there is none."""
        return {node.name: node for node in self.everybody}[name]

    async def master(self) -> RedisNode:
        """Return the master of the latest configuration that Sentinel knows, dead or alive."""
        if not self.sentinels:
            return self.nodes[0]
        port = await named_master(self.sentinels)
        for node in self.nodes:
            if node.announced == port:
                return node
        raise LookupError("no sentinel answers")

    async def replicas(self) -> list[RedisNode]:
        """Return all nodes but the master."""
        master = await self.master()
        return [node for node in self.nodes if node is not master]

    async def roles(self) -> dict[str, str]:
        """Return how each node sees itself: `master`, `slave`, or `unreachable`."""
        roles = await asyncio.gather(*(role(node) for node in self.nodes))
        return {node.name: its for node, its in zip(self.nodes, roles, strict=True)}

    async def kill(self, node: AnyNode) -> None:
        """End it by SIGKILL; returns when it has ended."""
        await node.kill()

    async def restart(self, node: AnyNode, *, empty: bool = False) -> None:
        """Start it again, killing it first if it runs; with its disk, unless `empty`."""
        await node.kill()
        if empty and isinstance(node, RedisNode):
            node.empty()
        await node.start()

    def hang(self, node: AnyNode) -> None:
        """Freeze it by SIGSTOP; its connections stay."""
        node.process.freeze()

    def resume(self, node: AnyNode) -> None:
        """Let a frozen one go on, still believing what it believed."""
        node.process.thaw()

    async def failover(self) -> None:
        """Order a planned failover; returns as soon as a sentinel has taken the order.

        Raises redis.ResponseError if that one refuses, LookupError if none answers.
        """
        for sentinel in self.sentinels:
            try:
                await sentinel.command("SENTINEL", "MYID")
            except UNANSWERED:
                continue
            await sentinel.command("SENTINEL", "FAILOVER", MASTER_NAME)
            return
        raise LookupError("no sentinel answers")

    async def wait_for_new_master(self, old: RedisNode, deadline: float) -> RedisNode:
        """Return the first node but `old` that is master; TimeoutError after `deadline` seconds.

        Others may still follow the old one, and sentinels name it, for a second from then on.
        """
        others = [node for node in self.nodes if node is not old]

        async def promoted() -> RedisNode | None:
            roles = await asyncio.gather(*(role(node) for node in others))
            found = zip(others, roles, strict=True)
            return next((node for node, its in found if its == "master"), None)

        return await until(promoted, deadline, f"a master in place of {old.name}")

    async def wait_until_replicating(self, deadline: float) -> None:
        """Wait until those nodes that run are one master and its replicas, all without lag.

        Sentinel's knowledge of it may be ten seconds older. TimeoutError says what lacks.
        """

        async def lacks() -> list[str]:
            return await lacking([node for node in self.nodes if node.process.running], [])

        await until_nothing_lacks(lacks, deadline)

    async def wait_until_healthy(self, deadline: float = HEALTH) -> None:
        """Wait until those that run are one topology; TimeoutError says what lacks.

        That is: one master, all others online behind it, and every sentinel knowing all of them,
        agreeing on the master, with a quorum.
        """

        async def lacks() -> list[str]:
            return await lacking(
                [node for node in self.nodes if node.process.running],
                [sentinel for sentinel in self.sentinels if sentinel.process.running],
            )

        await until_nothing_lacks(lacks, deadline)
