"""Presence on Redis: each node writes who is there by way of it, and mirrors what it hears."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from chat.engine import Listener
from chat.errors import Unavailable
from chat.frames import PresenceView, User
from chat.names import DisplayName, UserId
from resilience import channel, keys
from resilience.courier import Courier
from resilience.lease import Lease
from resilience.link import Command, Reply
from resilience.roll import Roll
from resilience.scripts import VACATE

CALM_S: Final = 0.2  # a reload, or a hundred joins at once, is one change
REFRESH_S: Final = 4.0  # how often a mirror is compared with the storage
_SENT_AT_ONCE: Final = 200  # commands of one errand
_Member = tuple[UserId, DisplayName]


class RedisPresence:
    """The `Presence` of a node among others."""

    def __init__(
        self, listener: Listener, courier: Courier, lease: Lease, hears: Callable[[str], bool]
    ) -> None:
        self._listener = listener
        self._courier = courier
        self._lease = lease
        self._hears = hears
        self._node = lease.node
        self._conns: dict[str, dict[str, dict[str, None]]] = {}  # room -> user -> connections
        self._users: dict[tuple[str, str], User] = {}  # by (room, connection)
        self._written: dict[str, dict[str, str | None]] = {}  # room -> user -> name, as stored
        self._rolls: dict[str, Roll] = {}
        self._dirty: set[str] = set()
        self._untold: set[str] = set()
        self._unsure: set[str] = set()  # rooms in which more of ours may be stored than we know
        self._wake = asyncio.Event()
        self.skipped = 0
        lease.on_lapsed.append(self.assert_again)
        lease.on_died.append(self._bury)

    def enter(self, room: str, conn: str, user: User) -> None:
        """Count a connection of the user."""
        self._users[room, conn] = user
        conns = self._conns.setdefault(room, {}).setdefault(user.id, {})
        conns[conn] = None
        self._roll(room).enter(user, self._node)
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
            self._roll(room).leave(user.id, self._node)
        if not users:
            del self._conns[room]
        self._touch(room)

    async def view(self, room: str, limit: int) -> PresenceView:
        """Return the count and the first members; from the mirror, if there is one."""
        roll = self._rolls.get(room)
        if roll is not None and roll.seeded:
            return roll.view(limit)
        reply = (await self._courier.ask([("HGETALL", keys.members(room))]))[0]
        seen = Roll()
        seen.replace(self._parse(reply), self._node)
        for user in self._here(room).values():
            seen.enter(user, self._node)
        return seen.view(limit)

    def hear(self, room: str, news: channel.Attendance) -> None:
        """Take in what another node tells of its users."""
        if news.node == self._node:
            return
        roll = self._roll(room)
        for user, name in news.join:
            roll.enter(User(user, name), news.node)
        for user in news.leave:
            roll.leave(user, news.node)
        self._tell(room)

    def assert_again(self) -> None:
        """What is stored of us may be gone, or more than is true: write all of it."""
        self._unsure.update(self._conns, self._written)
        self._written.clear()
        self._dirty.update(self._unsure)
        self._wake.set()

    async def run(self) -> None:
        """Write and tell what changes, compare with the storage now and then, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_on(), name="presence")
            group.create_task(self._refresh_on(), name="presence refresh")

    async def _write_on(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(CALM_S)
            self._wake.clear()
            self._tell_all()
            rooms, self._dirty = self._dirty, set()
            for room in rooms:
                await self._write(room)

    async def _write(self, room: str) -> None:
        """Make the storage hold for this node what is true, and tell the others."""
        here = {user.id: user.name for user in self._here(room).values()}
        stored = self._written.get(room, {})
        join = [(user, name) for user, name in here.items() if stored.get(user, "") != name]
        leave = [user for user in stored if user not in here]
        commands = self._commands(room, here, join, leave)
        try:
            for start in range(0, len(commands), _SENT_AT_ONCE):
                await self._courier.ask(commands[start : start + _SENT_AT_ONCE])
        except Unavailable:
            self._unsure.add(room)
            self._written.pop(room, None)
            self._touch(room)
            return
        self._unsure.discard(room)
        self._written[room] = here
        if not here:
            del self._written[room]
        roll = self._rolls.get(room)
        if roll is not None and not roll.seeded:
            await self._refresh(room)

    def _commands(
        self,
        room: str,
        here: Mapping[str, str | None],
        join: list[tuple[str, str | None]],
        leave: list[str],
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
        if join or leave:
            news = channel.encode(channel.Attendance(self._node, join, leave))
            commands.append(("PUBLISH", keys.channel(room), news))
        return commands

    async def _refresh_on(self) -> None:
        while True:
            for room in list(self._rolls):
                await self._refresh(room)
            await asyncio.sleep(REFRESH_S)

    async def _refresh(self, room: str) -> None:
        roll = self._rolls.get(room)
        if roll is None:
            return
        if room not in self._conns and not self._hears(room):
            self._tell(room)
            del self._rolls[room]
            return
        version = roll.version
        try:
            reply = (await self._courier.ask([("HGETALL", keys.members(room))]))[0]
        except Unavailable:
            return
        if roll.version == version:  # else it is older than what was heard meanwhile
            roll.replace(self._parse(reply), self._node)
            self._tell(room)

    def _parse(self, reply: Reply) -> dict[str, list[User]]:
        """Return the users of other living nodes; anything else is left out."""
        others: dict[str, list[User]] = {}
        fields: list[Any] = reply if isinstance(reply, list) else []
        for field, name in zip(fields[::2], fields[1::2], strict=False):
            user, slash, node = field.decode(errors="replace").partition("/")
            if slash and node != self._node and node in self._lease.live:
                try:
                    member = msgspec.convert((user, name.decode()), _Member)
                except (msgspec.ValidationError, UnicodeDecodeError):
                    self.skipped += 1
                else:
                    others.setdefault(node, []).append(User(member[0], member[1] or None))
        return others

    def _here(self, room: str) -> dict[str, User]:
        """Return who is in the room by way of this node."""
        users = self._conns.get(room, {})
        return {user: self._users[room, next(reversed(conns))] for user, conns in users.items()}

    def _roll(self, room: str) -> Roll:
        roll = self._rolls.get(room)
        if roll is None:
            roll = self._rolls[room] = Roll()
        return roll

    def _bury(self, node: str) -> None:
        for room, roll in self._rolls.items():
            roll.bury(node)
            self._tell(room)

    def _touch(self, room: str) -> None:
        self._dirty.add(room)
        self._tell(room)

    def _tell(self, room: str) -> None:
        self._untold.add(room)
        self._wake.set()

    def _tell_all(self) -> None:
        untold, self._untold = self._untold, set()
        for room in untold:
            roll = self._rolls.get(room)
            change = roll.change() if roll is not None else None
            if change is not None:
                self._listener.presence_changed(room, *change)
