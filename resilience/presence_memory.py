"""Presence in memory: who is in which room, and changes told after a short calm."""

import asyncio
from heapq import nsmallest
from typing import Final

from chat.engine import Listener
from chat.frames import PresenceView, User

CALM_S: Final = 0.2  # a reload, or a hundred joins at once, is one change; people do not notice


class _Member:
    """A user in a room, by which connections."""

    __slots__ = ("conns", "user")

    def __init__(self, user: User) -> None:
        self.user = user
        self.conns: set[str] = set()


class _Room:
    """The members by id, whose they connections are, and whom the next telling is about.

    `touched` says of each whether they were here when the listener was last told.
    """

    __slots__ = ("members", "telling", "touched", "users")

    def __init__(self) -> None:
        self.members: dict[str, _Member] = {}
        self.users: dict[str, str] = {}
        self.touched: dict[str, bool] = {}
        self.telling: asyncio.TimerHandle | None = None

    def add(self, conn: str, user: User) -> None:
        self.users[conn] = user.id
        member = self.members.get(user.id)
        if member is None:
            member = self.members[user.id] = _Member(user)
            self.touched.setdefault(user.id, False)
        member.user = user
        member.conns.add(conn)

    def remove(self, conn: str) -> None:
        user = self.users.pop(conn, None)
        if user is None:
            return
        member = self.members[user]
        member.conns.discard(conn)
        if not member.conns:
            del self.members[user]
            self.touched.setdefault(user, True)

    def changes(self) -> tuple[list[User], list[str]]:
        """Return who came and who went since the last time."""
        touched, self.touched = self.touched, {}
        here = self.members
        join = [here[user].user for user, was in touched.items() if user in here and not was]
        leave = [user for user, was in touched.items() if was and user not in here]
        return join, leave


class MemoryPresence:
    """The `Presence` of a single node."""

    def __init__(self, listener: Listener, calm_s: float = CALM_S) -> None:
        self._listener = listener
        self._calm_s = calm_s
        self._loop = asyncio.get_running_loop()
        self._rooms: dict[str, _Room] = {}

    def enter(self, room: str, conn: str, user: User) -> None:
        """Count a connection; of a user's names the latest is shown."""
        here = self._rooms.get(room)
        if here is None:
            here = self._rooms[room] = _Room()
        here.add(conn, user)
        self._tell_later(room, here)

    def leave(self, room: str, conn: str) -> None:
        """Count it no more."""
        here = self._rooms.get(room)
        if here is not None:
            here.remove(conn)
            self._tell_later(room, here)

    async def view(self, room: str, limit: int) -> PresenceView:
        """Return the count and the first members by id; never `Unavailable`."""
        here = self._rooms.get(room)
        if here is None:
            return PresenceView(0, [])
        first = nsmallest(limit, here.members)
        return PresenceView(len(here.members), [here.members[user].user for user in first])

    def close(self) -> None:
        """Tell nothing more."""
        for here in self._rooms.values():
            if here.telling is not None:
                here.telling.cancel()
        self._rooms.clear()

    def _tell_later(self, room: str, here: _Room) -> None:
        if here.touched and here.telling is None:
            here.telling = self._loop.call_later(self._calm_s, self._tell, room, here)

    def _tell(self, room: str, here: _Room) -> None:
        here.telling = None
        join, leave = here.changes()
        if not here.members:
            del self._rooms[room]
        if join or leave:
            self._listener.presence_changed(room, len(here.members), join, leave)
