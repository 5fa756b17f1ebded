"""The way from one process to another, and what is wrong with it."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

UNLIMITED: Final = 1 << 16


class Lane:
    """One direction of an edge."""

    def __init__(self) -> None:
        self.latency = 0.0  # seconds that every byte is under way
        self.slice = UNLIMITED  # bytes that are passed on in one write
        self.received = 0  # bytes
        self.passed = 0  # bytes
        self._open = asyncio.Event()
        self._open.set()

    @property
    def stalled(self) -> bool:
        return not self._open.is_set()

    @property
    def withheld(self) -> int:
        """Bytes that came in and did not go out: what proves a stall."""
        return self.received - self.passed

    def stall(self) -> None:
        self._open.clear()

    def heal(self) -> None:
        self.latency, self.slice = 0.0, UNLIMITED
        self._open.set()

    async def passable(self) -> None:
        """Wait until nothing stalls it; as long as that takes, like a lost packet."""
        await self._open.wait()


@dataclass(eq=False)
class Edge:
    """All connections from one process (the caller) to another (the target).

    An edge passes everything until it is told otherwise. It can *stall* (connections stay, nothing
    goes through: what a partition or a dead host looks like), both ways or one; *refuse* (new
    connections are reset, old ones stay); *drop* (all are reset); be slow (`delay`); cut what it
    passes into small writes (`cut_into`). `heal` takes all of it back.

    A stalled edge takes connections in, since the kernel does that for a listening socket, but
    never passes them on: a caller meets silence one step later than with lost packets.
    """

    caller: str
    target: str
    forward: Lane = field(default_factory=Lane)  # what the caller says
    back: Lane = field(default_factory=Lane)  # what the target answers
    refusing: bool = False
    opened: int = 0  # connections that were let through, ever
    refused: int = 0  # connections that were reset at once, ever
    dropped: int = 0  # connections that were cut off, ever
    connections: "set[asyncio.Task[None]]" = field(default_factory=set)

    @property
    def lanes(self) -> tuple[Lane, Lane]:
        return self.forward, self.back

    def stall(self) -> None:
        for lane in self.lanes:
            lane.stall()

    def refuse(self) -> None:
        self.refusing = True

    def drop(self) -> None:
        """Reset every connection, now and from now on."""
        self.refuse()
        self.reset()

    def reset(self) -> None:
        """Reset every connection there is, once; the caller may come again."""
        self.dropped += len(self.connections)
        for connection in self.connections:
            connection.cancel()

    def delay(self, seconds: float) -> None:
        """Make every byte take that long, each way."""
        for lane in self.lanes:
            lane.latency = seconds

    def cut_into(self, size: int) -> None:
        """Pass on no more than `size` bytes in one write, each way."""
        for lane in self.lanes:
            lane.slice = size

    def heal(self) -> None:
        """Pass everything again, first of all what was withheld."""
        self.refusing = False
        for lane in self.lanes:
            lane.heal()

    async def passable(self) -> None:
        """Wait until both directions are open, as a handshake needs it."""
        while self.forward.stalled or self.back.stalled:
            for lane in self.lanes:
                await lane.passable()
