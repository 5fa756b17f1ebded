"""The connections of a single node, in memory."""

import time

from chat.engine import Listener
from chat.presence import ConnectionInfo, Disconnect
from chat.revocations import Revocation, Revocations


class MemoryConnections:
    """The `Connections` of a single node."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._infos: dict[str, ConnectionInfo] = {}
        self._revocations = Revocations()

    def __len__(self) -> int:
        return len(self._infos)

    def register(self, info: ConnectionInfo) -> None:
        """Add a connection, or renew what is known of it."""
        self._infos[info.conn] = info

    def drop(self, conn: str) -> None:
        """Remove one; removing what is not there is nothing."""
        self._infos.pop(conn, None)

    async def find(
        self, *, user: str | None = None, room: str | None = None
    ) -> list[ConnectionInfo]:
        """Return those of the user and in the room, where given, oldest first."""
        found = [
            info
            for info in self._infos.values()
            if user in (None, info.user) and (room is None or room in info.rooms)
        ]
        return sorted(found, key=lambda info: (info.since, info.conn))

    async def order(self, order: Disconnect) -> None:
        """Carry the order to the one node there is."""
        self._listener.ordered(order)

    async def revoke(self, revocation: Revocation) -> None:
        """Tell the one node there is; nothing outlives it."""
        now = time.time()
        self._revocations.require_room(now)
        self._revocations.add(revocation, now)
        self._listener.ordered(revocation)
