"""Connections on Redis: each node keeps its own in a hash, under its lease; orders go to all."""

import asyncio
from typing import Any, Final

import msgspec

from chat.errors import Unavailable
from chat.presence import ConnectionInfo, Disconnect
from chat.revocations import Revocation
from resilience import keys
from resilience.control import Control
from resilience.courier import Courier
from resilience.lease import Lease
from resilience.link import Command, Reply

SESSION_MS: Final = 120_000  # how long an ended connection is remembered: a client comes back
_ENDED: Final = 10_000  # ends kept while nothing can be written: some two megabytes
_AGAIN_S: Final = 0.5  # after a refusal, which may come at once

_info: Final = msgspec.json.Decoder(ConnectionInfo)
_encode: Final = msgspec.json.Encoder().encode


class RedisConnections:
    """The `Connections` of a node among others."""

    def __init__(self, courier: Courier, lease: Lease, control: Control) -> None:
        self._courier = courier
        self._lease = lease
        self._control = control
        self._key = keys.node_connections(lease.node)
        self._infos: dict[str, ConnectionInfo] = {}
        self._changed: dict[str, ConnectionInfo | None] = {}
        self._anew = False
        self._wake = asyncio.Event()
        self.skipped = 0
        lease.on_lapsed.append(self.assert_again)

    def __len__(self) -> int:
        return len(self._infos)

    def register(self, info: ConnectionInfo) -> None:
        """Add a connection of this node, or renew what is known of it."""
        self._infos[info.conn] = self._changed[info.conn] = info
        self._wake.set()

    def drop(self, conn: str) -> None:
        """Remove one; it is remembered for a while."""
        if self._infos.pop(conn, None) is not None:
            self._changed[conn] = None
            self._wake.set()

    async def find(
        self, *, user: str | None = None, room: str | None = None
    ) -> list[ConnectionInfo]:
        """Return the connections of all living nodes, oldest first; `Unavailable`."""
        others = sorted(self._lease.live - {self._lease.node})
        asked: list[Command] = [("HVALS", keys.node_connections(node)) for node in others]
        *replies, _ = await self._courier.ask([*asked, ("PING",)])
        infos = [*self._infos.values(), *(info for reply in replies for info in self._read(reply))]
        found = [
            info
            for info in infos
            if user in {None, info.user} and (room is None or room in info.rooms)
        ]
        return sorted(found, key=lambda info: (info.since, info.conn))

    async def recall(self, conn: str) -> ConnectionInfo | None:
        """Return what is remembered of a connection that ended lately; `Unavailable`."""
        reply = (await self._courier.ask([("GET", keys.session(conn))]))[0]
        return next(iter(self._read([reply])), None)

    async def order(self, order: Disconnect) -> None:
        """Carry an order to every node; `Unavailable`."""
        await self._control.give(order)

    async def revoke(self, revocation: Revocation) -> None:
        """Keep it for every node there is and will be; `limit_exceeded`, `Unavailable`."""
        await self._control.revoke(revocation)

    def assert_again(self) -> None:
        """What is stored of this node may be gone: write all of it."""
        self._anew = True
        self._wake.set()

    async def run(self) -> None:
        """Write what changes until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._write()
            except Unavailable:
                self.assert_again()
                await asyncio.sleep(_AGAIN_S)

    async def _write(self) -> None:
        if self._anew:
            self._anew = False
            ended = [conn for conn, info in self._changed.items() if info is None]
            self._changed = dict(self._infos) | dict.fromkeys(ended[-_ENDED:])
            await self._courier.ask([("DEL", self._key)])
        changed, self._changed = self._changed, {}
        commands = [c for conn, info in changed.items() for c in self._commands(conn, info)]
        try:
            await self._courier.ask_in_parts(commands)
        except Unavailable:
            # Who lives is written anew; who has ended would be remembered for a day.
            self._changed = changed | self._changed
            raise

    def _commands(self, conn: str, info: ConnectionInfo | None) -> list[Command]:
        session = keys.session(conn)
        if info is None:
            return [("HDEL", self._key, conn), ("PEXPIRE", session, SESSION_MS)]
        body = _encode(info)
        # Lives as long as the connection may: a day is the longest life of a token.
        return [("HSET", self._key, conn, body), ("SET", session, body, "EX", 86_400)]

    def _read(self, reply: Reply) -> list[ConnectionInfo]:
        infos = []
        fields: list[Any] = reply if isinstance(reply, list) else []
        for field in fields:
            if field is None:
                continue
            try:
                infos.append(_info.decode(field))
            except (msgspec.DecodeError, TypeError, RecursionError, UnicodeDecodeError):
                self.skipped += 1
        return infos
