"""Presence on Redis: each node writes who is there by way of it, and tells what has changed."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

from chat.engine import Listener
from chat.errors import Unavailable
from chat.frames import PresenceView, User
from resilience import channel, keys
from resilience.courier import Courier
from resilience.lease import Lease
from resilience.link import Command
from resilience.mirrors import Mirrors
from resilience.roll import Names
from resilience.scripts import VACATE

CALM_S: Final = 0.2  # a reload, or a hundred joins at once, is one change
_AT_ONCE: Final = 500  # rooms that are told of or written in one turn: some milliseconds

Joining = list[tuple[str, str | None]]  # users and their names
_Change = tuple[Joining, list[str]]


class RedisPresence:
    """The `Presence` of a node among others."""

    def __init__(
        self, listener: Listener, courier: Courier, lease: Lease, hears: Callable[[str], bool]
    ) -> None:
        self._listener = listener
        self._courier = courier
        self._hears = hears
        self._node = lease.node
        self._mirrors = Mirrors(courier, lease, self._is_mirrored, self._tell)
        self._conns: dict[str, dict[str, dict[str, None]]] = {}  # room -> user -> connections
        self._users: dict[tuple[str, str], User] = {}  # by (room, connection)
        self._written: dict[str, dict[str, str | None]] = {}  # room -> user -> name, as stored
        self._dirty: set[str] = set()
        self._untold: set[str] = set()
        self._unsure: set[str] = set()  # rooms in which more of ours may be stored than we know
        self._lapses = 0
        self._wake = asyncio.Event()
        lease.on_lapsed.append(self.assert_again)

    @property
    def skipped(self) -> int:
        """How many entries of the storage were no members."""
        return self._mirrors.skipped

    def enter(self, room: str, conn: str, user: User) -> None:
        """Count a connection of the user."""
        self._users[room, conn] = user
        conns = self._conns.setdefault(room, {}).setdefault(user.id, {})
        conns[conn] = None
        self._mirrors.roll(room).enter(user, self._node)
        self._touch(room)

    def leave(self, room: str, conn: str) -> None:
        """Count it no more."""
        user = self._users.pop((room, conn), None)
        if user is None:
            return
        users = self._conns[room]
        users[user.id].pop(conn, None)
        if not users[user.id]:
            del users[user.id]
            self._mirrors.roll(room).leave(user.id, self._node)
        if not users:
            del self._conns[room]
        self._touch(room)

    async def view(self, room: str, limit: int) -> PresenceView:
        """Return the count and the first members; from the mirror, if there is one."""
        roll = self._mirrors.get(room)
        if roll is not None and roll.seeded:
            return roll.view(limit)
        seen = await self._mirrors.look(room)
        for user in self._here(room).values():
            seen.enter(user, self._node)
        return seen.view(limit)

    def hear(self, room: str, news: channel.Attendance) -> None:
        """Take in what another node tells of its users."""
        self._mirrors.hear(room, news)

    def assert_again(self) -> None:
        """What is stored of us may be gone, or more than is true: write all of it."""
        self._lapses += 1
        self._doubt([*self._conns, *self._written])

    def _doubt(self, rooms: Iterable[str]) -> None:
        """More or less of ours may be stored in the rooms than we know: write all of it again."""
        for room in rooms:
            self._written.pop(room, None)
            self._unsure.add(room)
            self._dirty.add(room)
        self._wake.set()

    async def run(self) -> None:
        """Write and tell what changes, compare with the storage now and then, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_on(), name="presence")
            group.create_task(self._mirrors.run(), name="presence mirrors")

    async def _write_on(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(CALM_S)
            self._wake.clear()
            untold, self._untold = self._untold, set()
            dirty, self._dirty = self._dirty, set()
            for rooms in _parts(untold):
                self._tell_some(rooms)
                await asyncio.sleep(0)
            for rooms in _parts(dirty):  # after a failover all that the node has
                await self._write(rooms)

    async def _write(self, rooms: Iterable[str]) -> None:
        """Make the storage hold for this node what is true, and tell the others."""
        lapses = self._lapses
        here = {room: {u.id: u.name for u in self._here(room).values()} for room in rooms}
        changes = {room: self._change(room, users) for room, users in here.items()}
        commands = [c for room in here for c in self._commands(room, here[room], *changes[room])]
        try:
            await self._courier.ask_in_parts(commands)
            # By themselves: what is refused for now is asked for again with all that stands by it.
            await self._courier.ask_in_parts(list(self._news(changes)))
        except Unavailable:
            self._doubt(here)
            return
        if lapses != self._lapses:
            self._doubt(here)  # it may be gone already, or stand where we have nobody any more
            return
        for room, users in here.items():
            self._note_written(room, users)
        await self._mirrors.seed(here)

    def _note_written(self, room: str, users: dict[str, str | None]) -> None:
        self._unsure.discard(room)
        if users:
            self._written[room] = users
        else:
            self._written.pop(room, None)

    def _change(self, room: str, here: Names) -> _Change:
        """Return who is to be stored, and who is stored and gone."""
        stored = self._written.get(room, {})
        join = [(user, name) for user, name in here.items() if stored.get(user, "") != name]
        return join, [user for user in stored if user not in here]

    def _news(self, changes: Mapping[str, _Change]) -> Iterator[Command]:
        for room, (join, leave) in changes.items():
            if join or leave:
                news = channel.encode(channel.Attendance(self._node, join, leave))
                yield ("PUBLISH", keys.channel(room), news)

    def _commands(
        self, room: str, here: Names, join: Joining, leave: Iterable[str]
    ) -> list[Command]:
        members = keys.members(room)
        commands: list[Command] = []
        if room in self._unsure:
            commands.append(VACATE.eval((members,), self._node, *here))
        if here:
            commands.append(("HSET", keys.node_rooms(self._node), room, 1))
        commands += [("HSET", members, f"{user}/{self._node}", name or "") for user, name in join]
        commands += [("HDEL", members, f"{user}/{self._node}") for user in leave]
        if not here:
            commands.append(("HDEL", keys.node_rooms(self._node), room))
        return commands

    def _here(self, room: str) -> dict[str, User]:
        """Return who is in the room by way of this node."""
        users = self._conns.get(room, {})
        return {user: self._users[room, next(reversed(conns))] for user, conns in users.items()}

    def _is_mirrored(self, room: str) -> bool:
        return room in self._conns or self._hears(room)

    def _touch(self, room: str) -> None:
        self._dirty.add(room)
        self._tell(room)

    def _tell(self, room: str) -> None:
        self._untold.add(room)
        self._wake.set()

    def _tell_some(self, rooms: Iterable[str]) -> None:
        for room in rooms:
            roll = self._mirrors.get(room)
            change = roll.change() if roll is not None else None
            if change is not None:
                self._listener.presence_changed(room, *change)


def _parts(rooms: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(rooms)
    while part := list(islice(rest, _AT_ONCE)):
        yield part
