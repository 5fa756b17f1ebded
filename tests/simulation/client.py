"""A client's connection to a chat node, over a network that delays and cuts it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from chat.claims import Claims
from chat.closes import Close
from chat.commands import Join
from chat.errors import Refusal
from chat.frames import Error, Frame
from handlers.attendance import Attendance
from handlers.joining import Joining
from tests.simulation.chat_node import ChatNode
from tests.simulation.network import Host


class LineWire:
    """Frames as lines; no JSON has a line break."""

    def frames(self, payloads: Sequence[bytes]) -> bytes:
        """Join the payloads."""
        return b"\n".join(payloads)


LINES = LineWire()


class Hearer(Protocol):
    """Who is at the other end."""

    def hear(self, client: "Client", what: Frame | bytes) -> None: ...
    def lost(self, client: "Client") -> None: ...


class _Session:
    def __init__(self) -> None:
        self.rooms: set[str] = set()
        self.signed_in = Claims("device", exp=2**40, rooms={"*": "rw"})

    def forget(self, room: str) -> None:
        self.rooms.discard(room)


class Client:
    """The server's end of a connection: the peer and the outlet of its rooms, and the way there."""

    def __init__(self, node: ChatNode, home: Host, hearer: Hearer, number: int) -> None:
        self.wire = LINES
        self.session = _Session()
        self.conn = f"c{number}"
        self.outbox = self
        self.resync: Callable[[str], None] = lambda _room: None
        self.gone = False
        self._node = node
        self._hearer = hearer
        self._number = number
        self._down = node.network.pipe(node, home)
        self._up = node.network.pipe(home, node)
        peer: Any = self
        nothing: Any = None
        joining = Joining(node.engine, node.hub, peer, node.statistics, node.hold_s)
        self._attendance = Attendance(peer, joining, nothing, self._refuse, moved=lambda: None)
        node.clients[self] = None

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other

    # What the device does.

    def join(self, join: Join) -> None:
        """Ask to be let into a room."""
        self._up.send(self._submit, join)

    def hang_up(self) -> None:
        """The device is gone; the node hears of it later."""
        self._up.send(self._leave)

    # What the node does.

    def _submit(self, join: Join) -> None:
        if not self.gone:
            try:
                self._attendance.submit(join)
            except Refusal as refusal:
                self._refuse(join, refusal)

    def _leave(self) -> None:
        if not self.gone:
            self.gone = True
            self._node.clients.pop(self, None)
            self._node.tidy(self._attendance.close())

    def _refuse(self, command: Any, error: BaseException) -> None:
        if not isinstance(error, Refusal):
            raise error
        self.send(Error(id=command.id, room=command.room, code=error.code))

    def send(self, frame: Frame) -> None:
        """Send a frame."""
        if not self.gone:
            self._down.send(self._hearer.hear, self, frame)

    def offer(self, chunk: bytes) -> None:
        """Send what is framed already."""
        if not self.gone:
            self._down.send(self._hearer.hear, self, chunk)

    offer_lossy = offer

    async def drained(self) -> None:
        """Let others run, as a full socket would."""
        await asyncio.sleep(self._node.network.jitters[self._number % 64])

    def close(self, close: Close) -> None:
        """The node ends it."""
        if not self.gone:
            self._down.send(self._hearer.lost, self)
            self._leave()

    def lose(self) -> None:
        """The node is gone."""
        self.gone = True
        self._node.clients.pop(self, None)
        self._down.send(self._hearer.lost, self)
        self._node.tidy(self._attendance.close())
