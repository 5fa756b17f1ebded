"""The contracts of presence, connections and signals: what nodes tell each other of people."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import msgspec

from chat.frames import PresenceView, User
from chat.revocations import Revocation


class ConnectionInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A connection as an administrator sees it; `since` is epoch milliseconds.

    The address is cut (IPv4 to /24, IPv6 to /48): enough to tell networks apart, not people.
    """

    conn: str
    user: str
    node: str
    address: str
    since: int
    rooms: Sequence[str] = ()
    client: str | None = None


class Presence(Protocol):
    """Who is in which room, over all nodes; a user counts once, however many connections.

    `enter` and `leave` return at once: what they change is told to the listener, and to the
    other nodes as soon as the storage can. A node that dies takes its presences with it.
    """

    def enter(self, room: str, conn: str, user: User) -> None:
        """Count a connection of the user in the room."""
        ...

    def leave(self, room: str, conn: str) -> None:
        """Count it no more; leaving what was not entered is nothing."""
        ...

    async def view(self, room: str, limit: int) -> PresenceView:
        """Return the count, and at most `limit` members by id; raises `Unavailable`."""
        ...


class Disconnect(msgspec.Struct, frozen=True, omit_defaults=True, tag="disconnect"):
    """An order to close connections: one by its id, or all of a user. `close` is a name."""

    close: str
    conn: str | None = None
    user: str | None = None


Order: TypeAlias = Disconnect | Revocation


class Connections(Protocol):
    """The connections of all nodes, for the admin routes and the limit per user."""

    def register(self, info: ConnectionInfo) -> None:
        """Add a connection of this node, or renew what is known of it."""
        ...

    def drop(self, conn: str) -> None:
        """Remove one."""
        ...

    async def find(
        self, *, user: str | None = None, room: str | None = None
    ) -> list[ConnectionInfo]:
        """Return the connections of all nodes, oldest first; raises `Unavailable`."""
        ...

    async def order(self, order: Disconnect) -> None:
        """Carry an order to every node, this one too; raises `Unavailable`."""
        ...

    async def revoke(self, revocation: Revocation) -> None:
        """Carry it to every node within five seconds, and to each that starts later, until then.

        Returns when it can't be lost any more. Nodes are told by `ordered`, at their start before
        the engine is open, once or more often; one that is cut off, when it is back. Raises
        `limit_exceeded` when there are too many, `Unavailable`.
        """
        ...


class Signals(Protocol):
    """Ephemeral frames (typing): to every node that follows the room, at most once, droppable."""

    def send(self, room: str, payload: bytes) -> None:
        """Hand a frame to the listeners of all nodes; on this one at once."""
        ...
