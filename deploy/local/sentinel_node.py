"""One sentinel of a local cluster."""

import secrets
from collections.abc import Iterable, Sequence
from typing import Final

from deploy.local.node import Node, Plan
from deploy.local.ports import LOOPBACK, Port
from deploy.local.proxy import Door
from deploy.local.redis_node import RedisNode
from deploy.local.templates import fill, write

MASTER_NAME: Final = "mymaster"
_ID_BYTES: Final = 20  # CONFIG_RUN_ID_SIZE of Redis: 40 hexadecimal digits

LOCAL: Final = """
sentinel down-after-milliseconds {master} {down_after_ms}
sentinel myid {identity}
"""


class SentinelNode(Node):
    def __init__(self, name: str, plan: Plan, port: Port, door: Door | None) -> None:
        super().__init__(name, plan, port, door)
        self.identity = secrets.token_hex(_ID_BYTES)

    def arguments(self) -> Sequence[str]:
        return ["redis-server", str(self.directory / "sentinel.conf"), "--sentinel"]

    def configure(
        self,
        master: RedisNode,
        replicas: Iterable[RedisNode],
        sentinels: Iterable["SentinelNode"],
        down_after_ms: int,
    ) -> None:
        """Write its files, with what a restarted sentinel knows: all the others.

        Left to themselves sentinels meet after two seconds, by the master's hello channel, and a
        replica that came a moment too late is found ten seconds later, by INFO.
        """
        write(self.directory / "sentinel-users.acl", self.users("sentinel-users.acl"))
        text = fill("sentinel.conf", self.values() | {"MASTER_PORT": master.announced})
        text += self.listening() + LOCAL.format(
            master=MASTER_NAME,
            down_after_ms=down_after_ms,
            identity=self.identity,
        )
        for node in replicas:
            text += f"sentinel known-replica {MASTER_NAME} {LOOPBACK} {node.announced}\n"
        for other in sentinels:
            if other is not self:
                text += f"sentinel known-sentinel {MASTER_NAME} {LOOPBACK} {other.announced} "
                text += f"{other.identity}\n"
        write(self.directory / "sentinel.conf", text)

    async def master(self) -> dict[str, str]:
        """Return its view of the master, name to value."""
        return _pairs(await self.command("SENTINEL", "MASTER", MASTER_NAME))

    async def others(self, kind: str) -> list[dict[str, str]]:
        """Return its view of the `replicas` or of the other `sentinels`."""
        return [_pairs(one) for one in await self.command("SENTINEL", kind, MASTER_NAME)]


def _pairs(flat: object) -> dict[str, str]:
    """Read a map of the second protocol version: names and values in turn."""
    if isinstance(flat, dict):
        return flat
    if not isinstance(flat, list):
        raise TypeError("Sentinel did not answer with a map")
    return dict(zip(flat[::2], flat[1::2], strict=True))
