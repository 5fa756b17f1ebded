"""A listener that keeps what an engine tells it, and drafts to tell it of."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from chat.commands import Content
from chat.engine import Storage
from chat.frames import User
from chat.log import Draft, Event, Position, draft_message
from chat.presence import Order

DEADLINE_S: Final = 10.0  # a loaded machine needs one; what has not come by then does not come
_LOOK_S: Final = 0.005

T = TypeVar("T")
_cids = count()


def draft(
    text: str = "hi", *, room: str = "den", user: str = "ann", cid: str | None = None
) -> Draft:
    """Return a draft under a key of its own, unless a cid is given."""
    return draft_message(
        room=room,
        user=user,
        name=None,
        cid=cid or f"c{next(_cids)}",
        content=Content(text=text),
    )


def body(event: Event) -> dict[str, Any]:
    """Return the fields of an event."""
    decoded: dict[str, Any] = msgspec.json.decode(event.payload)
    return decoded


def texts(events: Sequence[Event]) -> list[str]:
    """Return what the events say."""
    return [body(event)["text"] for event in events]


async def until(look: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """Look again and again until what is seen holds, and return it; fail at the deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not holds(seen := await look()):
            await asyncio.sleep(_LOOK_S)
    return seen


class Commit(NamedTuple):
    room: str
    epoch: str
    events: Sequence[Event]
    more: bool | None


class Change(NamedTuple):
    users: int
    join: list[str]
    leave: list[str]


class Recorder:
    """Everything an engine told, in its order."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.losses: list[tuple[str, Position]] = []
        self.signals: list[tuple[str, bytes]] = []
        self.changes: dict[str, list[Change]] = {}
        self.storages: list[Storage] = []
        self.orders: list[Order] = []

    def committed(
        self, room: str, epoch: str, events: Sequence[Event], *, more: bool | None = None
    ) -> None:
        self.commits.append(Commit(room, epoch, events, more))

    def lost(self, room: str, position: Position) -> None:
        self.losses.append((room, position))

    def signalled(self, room: str, payload: bytes) -> None:
        self.signals.append((room, payload))

    def presence_changed(
        self, room: str, count: int, join: Sequence[User], leave: Sequence[str]
    ) -> None:
        change = Change(count, [user.id for user in join], list(leave))
        self.changes.setdefault(room, []).append(change)

    def storage_changed(self, storage: Storage) -> None:
        self.storages.append(storage)

    def ordered(self, order: Order) -> None:
        self.orders.append(order)

    def events(self, room: str = "den") -> list[Event]:
        """Return the events of a room, as they came."""
        return [event for commit in self.commits if commit.room == room for event in commit.events]

    def seqs(self, room: str = "den") -> list[int]:
        """Return the places of a room's events, as they came."""
        return [event.seq for event in self.events(room)]

    def members(self, room: str = "den") -> set[str]:
        """Return who is in a room by what was told; every change must fit the one before."""
        here: set[str] = set()
        for change in self.changes.get(room, []):
            assert here.isdisjoint(change.join), "told twice of one who came"
            assert here.issuperset(change.leave), "told of one who left and was not there"
            here = here.union(change.join).difference(change.leave)
            assert change.users == len(here)
        return here

    async def until(self, holds: Callable[["Recorder"], bool]) -> None:
        """Wait until what was told holds; fail at the deadline."""

        async def look() -> Recorder:
            return self

        await until(look, holds)

    async def hears(self, seq: int, room: str = "den") -> None:
        """Wait for the event at a place; as events come in order, those before it have come."""
        await self.until(lambda heard: seq in heard.seqs(room))
