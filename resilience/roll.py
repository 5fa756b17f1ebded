"""The roll of one room: who is there, by way of which nodes, and what was told of it. Pure."""

from collections.abc import Iterable, Mapping
from heapq import nsmallest
from typing import NamedTuple

from chat.frames import PresenceView, User


class Change(NamedTuple):
    """What the listener is to be told."""

    users: int
    join: list[User]
    leave: list[str]


class Roll:
    """Users by node; a user counts once, and is shown by the name that came last."""

    __slots__ = ("_here", "_names", "_told", "seeded", "version")

    def __init__(self) -> None:
        self._here: dict[str, set[str]] = {}
        self._names: dict[str, str | None] = {}
        self._told: set[str] = set()
        self.seeded = False
        self.version = 0

    def __len__(self) -> int:
        return len(self._here)

    def enter(self, user: User, node: str) -> None:
        """A user has a first connection to a node."""
        self.version += 1
        self._here.setdefault(user.id, set()).add(node)
        self._names[user.id] = user.name

    def leave(self, user: str, node: str) -> None:
        """A user's last connection to a node is gone."""
        self.version += 1
        nodes = self._here.get(user)
        if nodes is None:
            return
        nodes.discard(node)
        if not nodes:
            del self._here[user]

    def bury(self, node: str) -> None:
        """Take out a node with all its users."""
        for user in [user for user, nodes in self._here.items() if node in nodes]:
            self.leave(user, node)

    def replace(self, others: Mapping[str, Iterable[User]], own: str) -> None:
        """Take in what the storage has of all nodes but this one."""
        for nodes in self._here.values():
            nodes.intersection_update({own})
        for node, users in others.items():
            for user in users:
                self._here.setdefault(user.id, set()).add(node)
                self._names[user.id] = user.name
        self._here = {user: nodes for user, nodes in self._here.items() if nodes}
        self.seeded = True

    def view(self, limit: int) -> PresenceView:
        """Return the count, and the first members by id."""
        return PresenceView(
            len(self._here),
            [User(user, self._names[user]) for user in nsmallest(limit, self._here)],
        )

    def change(self) -> Change | None:
        """Return who came and went since the last time, None if nobody did."""
        here = set(self._here)
        join, leave = here - self._told, self._told - here
        self._told = here
        for user in leave:
            self._names.pop(user, None)
        if not join and not leave:
            return None
        return Change(len(here), [User(u, self._names[u]) for u in sorted(join)], sorted(leave))
