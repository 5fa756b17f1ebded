"""One redis-server of a local cluster, master or replica."""

import shutil
from collections.abc import Sequence
from typing import Final

from deploy.local.node import Node
from deploy.local.ports import LOOPBACK
from deploy.local.templates import fill, write

# What differs from production, beside where it listens: DEBUG, by which drills make it slow.
LOCAL: Final = "enable-debug-command local\n"
ALONE: Final = "min-replicas-to-write 0\n"


class RedisNode(Node):
    def arguments(self) -> Sequence[str]:
        return ["redis-server", str(self.directory / "redis.conf")]

    def configure(self, master: int | None, *, alone: bool = False) -> None:
        """Write its files; `master` is the port of whom it follows at first, None for the first.

        A master that is `alone` by plan takes writes without a replica.
        """
        write(self.directory / "users.acl", self.users("users.acl"))
        text = fill("redis.conf", self.values()) + self.listening() + LOCAL
        text += ALONE if alone else ""
        text += f"replicaof {LOOPBACK} {master}\n" if master else ""
        write(self.directory / "redis.conf", text)

    async def role(self) -> str:
        """Return `master` or `slave`, as it sees itself."""
        return str((await self.command("ROLE"))[0])

    async def state(self) -> dict[str, str]:
        """Return INFO replication and persistence, name to value."""
        lines = (await self.command("INFO", "replication", "persistence")).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def empty(self) -> None:
        """Lose its disk but for the configuration, so the role Sentinel gave it stays."""
        if self.process.running:
            raise RuntimeError(f"{self.name} is running")
        shutil.rmtree(self.directory / "appendonlydir", ignore_errors=True)
        (self.directory / "dump.rdb").unlink(missing_ok=True)
