"""The roll of one room: who is there, by way of which nodes, and what was told of it. Pure."""

from collections.abc import Mapping
from heapq import nsmallest
from typing import NamedTuple

from chat.frames import PresenceView, User

Names = Mapping[str, str | None]  # of users by their ids


class Change(NamedTuple):
    """What the listener is to be told."""

    users: int
    join: list[User]
    leave: list[str]


class Roll:
    """Users by node; a user counts once, and is shown by the name that came last."""

    __slots__ = ("_names", "_nodes", "_told", "seeded", "version")

    def __init__(self) -> None:
        self._nodes: dict[str, dict[str, str | None]] = {}
        self._names: dict[str, str | None] = {}
        self._told: set[str] = set()
        self.seeded = False
        self.version = 0  # counted up with the news of other nodes

    @property
    def entries(self) -> int:
        """How many users all nodes have; who is on two of them counts twice."""
        return sum(map(len, self._nodes.values()))

    def enter(self, user: User, node: str) -> None:
        """A user has a first connection to a node."""
        self._nodes.setdefault(node, {})[user.id] = user.name
        self._names[user.id] = user.name

    def leave(self, user: str, node: str) -> None:
        """A user's last connection to a node is gone."""
        users = self._nodes.get(node, {})
        users.pop(user, None)
        if not users:
            self._nodes.pop(node, None)

    def bury(self, node: str) -> bool:
        """Take out a node with all its users; False if it had none."""
        return self._nodes.pop(node, None) is not None

    def replace(self, others: Mapping[str, Names], own: str) -> bool:
        """Take in what the storage has of all nodes but this one; True if that is news."""
        self.seeded = True
        known = {node: users for node, users in self._nodes.items() if node != own}
        if known == others:
            return False
        mine = self._nodes.get(own, {})
        self._nodes = {own: mine, **{node: dict(users) for node, users in others.items()}}
        for users in others.values():
            self._names.update(users)
        return True

    def view(self, limit: int) -> PresenceView:
        """Return the count, and the first members by id."""
        here = self._here()
        return PresenceView(
            len(here), [User(user, self._names[user]) for user in nsmallest(limit, here)]
        )

    def change(self) -> Change | None:
        """Return who came and went since the last time, None if nobody did."""
        here = self._here()
        join, leave = here - self._told, self._told - here
        self._told = here
        if len(self._names) > len(here):  # also who came and went before anything was told
            for user in self._names.keys() - here:
                del self._names[user]
        if not join and not leave:
            return None
        return Change(len(here), [User(u, self._names[u]) for u in sorted(join)], sorted(leave))

    def _here(self) -> set[str]:
        return set().union(*self._nodes.values())
