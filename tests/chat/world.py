"""A node's world without loop or clock: a room's log, its stream, clients that are never wrong."""

from collections.abc import Coroutine, Generator, Sequence
from typing import Any

from chat.catchup import Stretch, catch_up
from chat.commands import Join
from chat.errors import Unavailable
from chat.hub import Hub
from chat.log import Answer, Draft, Event, MessageLog, Page, Position
from tests.chat.ears import Wire

ROOM = "den"


class Pause:
    """An await that ends when the test says so; `failing` makes it raise instead."""

    def __init__(self) -> None:
        self.failing = False

    def __await__(self) -> Generator["Pause", None, None]:
        yield self
        if self.failing:
            raise Unavailable


class History:
    """The events of one epoch: everything ever appended, and what of it is kept."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.head = 0
        self.tail = 1

    def events(self, first: int, last: int) -> list[Event]:
        return [
            Event(seq, f"{self.epoch}/{seq}".encode())
            for seq in range(max(first, 1), min(last, self.head) + 1)
        ]

    def page(self, after: int | None, limit: int) -> Page:
        first = max(self.tail, self.head - limit + 1) if after is None else after + 1
        first = max(first, self.tail)
        kept = self.events(first, first + limit - 1)
        return Page(self.epoch, self.tail, self.head, kept)


class FakeLog(MessageLog):
    """A log whose answers are pictures of any moment between the question and the answer.

    The stream of the node stands at `stream`, in a history that may be lost already; the test
    moves it. `lag` is how far behind the head it begins.
    """

    def __init__(self) -> None:
        self.history = History("e1")
        self.streamed = self.history
        self.stream: Position | None = None
        self.lag = 0

    def submit(self, draft: Draft, answer: Answer) -> None:
        raise NotImplementedError

    async def read(
        self, room: str, *, after: int | None = None, before: int | None = None, limit: int
    ) -> Page:
        assert (room, before) == (ROOM, None)
        await Pause()
        page = self.history.page(after, limit)
        await Pause()
        return page

    async def follow(self, room: str) -> Position:
        assert room == ROOM
        await Pause()
        if self.stream is None:
            self.streamed = self.history
            self.stream = Position(self.history.epoch, max(0, self.history.head - self.lag))
        begin = self.stream
        await Pause()
        return begin

    def unfollow(self, room: str) -> None:
        assert room == ROOM
        self.stream = None


class Client:
    """A connection and the client behind it, which checks everything that it is sent.

    It stands at `last` in `epoch`; only the answer to a join may put it elsewhere.
    """

    def __init__(self, hub: Hub, log: FakeLog, wire: Wire) -> None:
        self.wire = wire
        self._hub = hub
        self._log = log
        self._joining: Coroutine[Any, Any, None] | None = None
        self._pause = Pause()
        self._shown = Position("", 0)
        self._hears = False
        self.epoch: str | None = None
        self.last = 0
        self.resets: list[str] = []
        self.present = False
        self.astray = False

    @property
    def joining(self) -> bool:
        """Whether a join is in progress."""
        return self._joining is not None

    @property
    def settled(self) -> bool:
        """Whether it is in the room and nothing of its own is left to be done."""
        return self.present and not self.joining and not self.astray

    def join(self, *, history: int | None = None) -> None:
        """Begin to join, anew or where it stands; `step` carries the join on."""
        anew = history is not None or self.epoch is None
        self._begin(
            Join(room=ROOM, history=history or 0)
            if anew
            else Join(room=ROOM, since=self.last, epoch=self.epoch)
        )

    def step(self, *, failing: bool = False) -> None:
        """Carry the join on to its next await, or to its end; come back in if astray."""
        if self._joining is None:
            self._begin(Join(room=ROOM, since=self._shown.seq, epoch=self._shown.epoch))
            return
        self._pause.failing = failing
        try:
            self._pause = self._joining.send(None)
        except StopIteration:
            self._joining = None
        except Unavailable:
            self.leave()

    def leave(self) -> None:
        """Go, in the middle of a join if need be."""
        if self._joining is not None:
            self._joining.close()
        self._joining = None
        self.present = self.astray = self._hears = False
        self._hub.leave(self._log, ROOM, self)

    def _begin(self, join: Join) -> None:
        assert self._joining is None
        self.present, self.astray = True, False
        self._joining = self._join(join)
        self.step()

    async def _join(self, join: Join) -> None:
        self._hub.enter(ROOM, self, watch=False)
        self._hears = False
        await self._hub.follow(self._log, ROOM)
        await self._show(join, first=True)
        while not self._settle():
            again = Join(room=ROOM, since=self._shown.seq, epoch=self._shown.epoch)
            await self._show(again, first=False)

    async def _show(self, join: Join, *, first: bool) -> None:
        async for stretch in catch_up(self._log, join):
            self._take(stretch, join, first=first)
            self._shown, first = stretch.end, False
            assert self._shown == Position(self.epoch or "", self.last)
            await Pause()

    def _settle(self) -> bool:
        self._hears = True
        self._hears = self._hub.settle(ROOM, self, self._shown)
        return self._hears

    def _take(self, stretch: Stretch, join: Join, *, first: bool) -> None:
        if stretch.reset is not None:
            self.resets.append(stretch.reset)
        if stretch.reset is not None or (first and join.since is None):
            self.epoch = stretch.page.epoch
            self.last = stretch.events[0].seq - 1 if stretch.events else stretch.page.head
        elif first and join.since is not None:
            self.last = join.since
        assert self.epoch == stretch.page.epoch
        self._receive([event.payload for event in stretch.events])

    def _receive(self, payloads: Sequence[bytes]) -> None:
        for payload in payloads:
            assert payload.decode() == f"{self.epoch}/{self.last + 1}"
            self.last += 1

    def offer(self, chunk: bytes) -> None:
        assert self._hears
        self._receive(chunk.splitlines())

    def offer_lossy(self, chunk: bytes) -> None:
        raise AssertionError("nothing ephemeral is sent here")

    def resync(self, room: str) -> None:
        assert room == ROOM
        assert self.settled
        self.astray, self._hears = True, False
