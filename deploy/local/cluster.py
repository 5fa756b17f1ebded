"""A whole topology as processes: up in seconds, gone without a trace."""

import secrets
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Self

from deploy.local.chat_node import SERVER, ChatNode
from deploy.local.mesh import Mesh
from deploy.local.node import Passwords, Plan
from deploy.local.ports import LOOPBACK, Port
from deploy.local.process import END
from deploy.local.proxy import Door
from deploy.local.reaper import Reaper
from deploy.local.redis_node import RedisNode
from deploy.local.sentinel_node import MASTER_NAME, SentinelNode
from deploy.local.topology import Topology
from deploy.local.waiting import together

# RFC 7518 §3.2 asks for as many bytes as the hash has, 32.
_SECRET_BYTES: Final = 48
_FAILOVER: Final = "+sentinel|failover"


class Cluster(Topology):
    """Starts on `async with`; at its end, and at this process' by whatever means, nothing is left.

    `redis-1` is the first master. Files are in a new folder, or in `directory`, which must be
    empty and then stays. Without `password` whoever does not log in may do everything; the users
    are there in any case. `failover` gives the chat servers the right to order one at Sentinel.
    With `certificates`, a folder as tls.conf wants it, Redis and Sentinel speak TLS only.
    With `mesh` every connection to Redis and Sentinel goes by an edge that can be cut (mesh.py).
    `settings` are variables of each chat server. Without a mesh a cluster is bound to no event
    loop: it may be started in one and used in others.
    """

    def __init__(  # noqa: PLR0913 - each is a property of a topology, named at the call
        self,
        *,
        replicas: int = 2,
        sentinels: int = 3,
        chats: int = 0,
        directory: Path | None = None,
        down_after_ms: int = 1500,
        password: bool = True,
        failover: bool = False,
        mesh: bool = False,
        certificates: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.passwords = Passwords.make_up()
        self.jwt_secret = secrets.token_urlsafe(_SECRET_BYTES)
        self._mesh = Mesh(self._names) if mesh else None
        self._sizes = (replicas + 1, sentinels, chats)
        self._directory = directory
        self._down_after_ms = down_after_ms
        self._password = password
        self._failover = failover
        self._certificates = certificates
        self._settings = dict(settings or {})
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with self._stack:
            self._plan = self._prepare()
            await self._start()
            self._stack = self._stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def mesh(self) -> Mesh:
        """The edges of a cluster that was made with a mesh; LookupError without."""
        if self._mesh is None:
            raise LookupError("this cluster has no mesh")
        return self._mesh

    def url(self) -> str:
        """Return the REDIS_URL of a chat server."""
        user = f"chat:{self.passwords.chat}@" if self._password else ""
        authorities = self._plan.authorities
        scheme, trust = ("rediss", f"?ssl_ca_certs={authorities}") if authorities else ("redis", "")
        if not self.sentinels:
            return f"{scheme}://{user}{LOOPBACK}:{self.nodes[0].announced}/0{trust}"
        hosts = ",".join(f"{LOOPBACK}:{sentinel.announced}" for sentinel in self.sentinels)
        return f"{scheme}+sentinel://{user}{hosts}/{MASTER_NAME}/0{trust}"

    def chat(
        self, settings: Mapping[str, str] | None = None, command: Sequence[str] = SERVER
    ) -> ChatNode:
        """Add a chat server, to be started yet, with settings or a program of its own."""
        environment = {
            "REDIS_URL": self.url(),
            "JWT_SECRET": self.jwt_secret,
            **self._settings,
            **(settings or {}),
        }
        ports = (self._port(), self._port())
        node = ChatNode(f"chat-{len(self.chats) + 1}", self._plan, ports, environment, command)
        self.chats.append(node)
        return node

    def _prepare(self) -> Plan:
        """Make the folder, the process group, and what takes both away."""
        if self._directory:
            self._directory.mkdir(parents=True, exist_ok=True)
            if any(self._directory.iterdir()):
                raise FileExistsError(f"{self._directory} is not empty")
        directory = self._directory or Path(tempfile.mkdtemp(prefix="holdfast-"))
        reaper = Reaper(None if self._directory else directory)
        self._stack.push_async_callback(self._end, reaper)
        return Plan(
            directory=directory.resolve(),
            group=reaper.group,
            passwords=self.passwords,
            anonymous=not self._password,
            chat_sentinel_rights=_FAILOVER if self._failover else "",
            certificates=self._certificates,
        )

    async def _start(self) -> None:
        """Start the master, then the replicas, then the sentinels: each once the last answer."""
        nodes, sentinels, chats = self._sizes
        self.nodes += [self._redis(number) for number in range(1, nodes + 1)]
        self.sentinels += [self._sentinel(number) for number in range(1, sentinels + 1)]
        master, *replicas = self.nodes
        master.configure(None, alone=not replicas)
        await master.start()
        for replica in replicas:
            replica.configure(master.announced)
        await together(*(replica.start() for replica in replicas))
        for sentinel in self.sentinels:
            sentinel.configure(master, replicas, self.sentinels, self._down_after_ms)
        await together(*(sentinel.start() for sentinel in self.sentinels))
        await self.wait_until_healthy()
        await together(*(self.chat().start() for _ in range(chats)))

    def _redis(self, number: int) -> RedisNode:
        name, port = f"redis-{number}", self._port()
        return RedisNode(name, self._plan, port, self._door(name, port))

    def _sentinel(self, number: int) -> SentinelNode:
        name, port = f"sentinel-{number}", self._port()
        return SentinelNode(name, self._plan, port, self._door(name, port))

    def _port(self) -> Port:
        return self._stack.enter_context(Port())

    def _door(self, name: str, port: Port) -> Door | None:
        return self._mesh.door(name, self._port(), port.number) if self._mesh else None

    def _names(self) -> dict[int, str]:
        """Name each process that runs, by its number."""
        return {pid: node.name for node in self.everybody if (pid := node.process.pid)}

    async def _end(self, reaper: Reaper) -> None:
        """Let nothing be left: the doors, the processes, the folder."""
        if self._mesh:
            await self._mesh.close()
        await reaper.close()
        for node in self.everybody:
            await node.process.ended(END)
