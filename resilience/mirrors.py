"""Mirrors of who is in the rooms: what other nodes tell, compared with the storage now and then."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from chat.errors import Unavailable
from chat.frames import User
from chat.names import DisplayName, UserId
from resilience import channel, keys
from resilience.courier import Courier
from resilience.lease import Lease
from resilience.link import Reply
from resilience.roll import Roll

REFRESH_S: Final = 4.0  # how often a mirror is compared with the storage
_AT_ONCE: Final = 1_000  # members of one errand: a millisecond of this loop
_UNREAD: Final = 50  # members that a room may have of which nothing was read yet
_Member = tuple[UserId, DisplayName]


class Mirrors:
    """A roll for each room that this node hears, or has somebody in.

    `wanted` tells whether a room is still one of these; `tell` is called with a room of which
    there is news.
    """

    def __init__(
        self,
        courier: Courier,
        lease: Lease,
        wanted: Callable[[str], bool],
        tell: Callable[[str], None],
    ) -> None:
        self._courier = courier
        self._lease = lease
        self._wanted = wanted
        self._tell = tell
        self._mine = f"/{lease.node}".encode()
        self._looks: dict[str, asyncio.Future[Roll]] = {}
        self._rolls: dict[str, Roll] = {}
        self.skipped = 0
        lease.on_died.append(self._bury)

    def get(self, room: str) -> Roll | None:
        """Return the roll of a room, None if there is none."""
        return self._rolls.get(room)

    def roll(self, room: str) -> Roll:
        """Return the roll of a room, a new one if there is none."""
        roll = self._rolls.get(room)
        if roll is None:
            roll = self._rolls[room] = Roll()
        return roll

    def hear(self, room: str, news: channel.Attendance) -> None:
        """Take in what another node tells of its users."""
        if news.node == self._lease.node:
            return
        self._lease.hear(news.node)
        roll = self.roll(room)
        roll.version += 1
        for user, name in news.join:
            roll.enter(User(user, name), news.node)
        for user in news.leave:
            roll.leave(user, news.node)
        self._tell(room)

    async def look(self, room: str) -> Roll:
        """Return what the storage has of other nodes in a room without a mirror; `Unavailable`.

        However many ask at a time, a thousand who join a room of ten thousand: it is read once.
        """
        looking = self._looks.get(room)
        if looking is None:
            looking = self._looks[room] = asyncio.get_running_loop().create_future()
            try:
                looking.set_result(await self._read(room))
            except Unavailable as error:
                looking.set_exception(error)
            finally:
                looking.cancel()  # where who asked hung up: the next reads for the others
                del self._looks[room]
            return looking.result()
        await asyncio.wait({looking})
        return await self.look(room) if looking.cancelled() else looking.result()

    async def _read(self, room: str) -> Roll:
        reply = (await self._courier.ask([("HGETALL", keys.members(room))]))[0]
        seen = Roll()
        seen.replace(self._parse(reply), self._lease.node)
        return seen

    async def run(self) -> None:
        """Compare all with the storage, and forget those that nobody wants, until cancelled."""
        while True:
            for room in [room for room in self._rolls if not self._wanted(room)]:
                del self._rolls[room]
            await self._refresh(list(self._rolls))
            await asyncio.sleep(REFRESH_S)

    async def seed(self, rooms: Iterable[str]) -> None:
        """Read those of the rooms that were never read."""
        await self._refresh([r for r in rooms if r in self._rolls and not self._rolls[r].seeded])

    async def _refresh(self, rooms: Iterable[str]) -> None:
        """Compare rooms with the storage, many of them in one errand."""
        for batch in self._batches(rooms):
            rolls = [(room, roll, roll.version) for room, roll in batch]
            try:
                replies = await self._courier.ask([("HGETALL", keys.members(r)) for r, _ in batch])
            except Unavailable:
                return
            for (room, roll, version), reply in zip(rolls, replies, strict=True):
                # Else it is older than what was heard meanwhile.
                if roll.version == version and roll.replace(self._parse(reply), self._lease.node):
                    self._tell(room)

    def _batches(self, rooms: Iterable[str]) -> Iterator[list[tuple[str, Roll]]]:
        batch: list[tuple[str, Roll]] = []
        members = 0
        for room in rooms:
            roll = self._rolls.get(room)
            if roll is None:
                continue
            batch.append((room, roll))
            members += 1 + (roll.entries if roll.seeded else _UNREAD)
            if members >= _AT_ONCE:
                yield batch
                batch, members = [], 0
        if batch:
            yield batch

    def _parse(self, reply: Reply) -> dict[str, dict[str, str | None]]:
        """Return the users of other living nodes; anything else is left out."""
        others: dict[str, dict[str, str | None]] = {}
        fields: list[Any] = reply if isinstance(reply, list) else []
        for field, name in zip(fields[::2], fields[1::2], strict=False):
            if field.endswith(self._mine):
                continue
            user, slash, node = field.decode(errors="replace").partition("/")
            if slash and node in self._lease.live:
                try:
                    member = msgspec.convert((user, name.decode()), _Member)
                except (msgspec.ValidationError, UnicodeDecodeError):
                    self.skipped += 1
                else:
                    others.setdefault(node, {})[member[0]] = member[1] or None
        return others

    def _bury(self, node: str) -> None:
        for room, roll in self._rolls.items():
            roll.version += 1
            if roll.bury(node):
                self._tell(room)
