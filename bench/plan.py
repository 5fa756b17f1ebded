"""Writes the plan that the load generator runs: whom to connect, what they say, for how long."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from bench.peers.contract import Missed, Peer, Seat

Mode = Literal["closed", "open", "hold"]


@dataclass(frozen=True, slots=True)
class Room:
    """How many connections share a room, and how many of them publish.

    They are spread over all servers, or `together` at one.
    """

    members: int
    publishers: int
    together: bool = False


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the connections do once all are live.

    `closed`: each publisher's next message leaves when its last one reached everybody (and was
    acked, where the server acks). `open`: `rate` messages/s by a schedule that never waits, each
    timed from when it was due, so that a stall is not left out. `hold`: nothing.
    A window in which fewer than `least` messages were published goes on, for `longest` seconds.
    """

    mode: Mode
    seconds: float
    warmup: float
    rate: float = 0.0
    concurrency: int = 64
    least: int = 0
    longest: float = 0.0
    patience: float = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of the generator against the servers of one peer."""

    peer: Peer
    rooms: tuple[Room, ...]
    traffic: Traffic
    ports: tuple[int, ...]
    probes: tuple[tuple[str, int], ...]
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    missed: tuple[Missed, ...] = ()

    def names(self) -> list[str]:
        """The rooms' names; a later plan with the same `run` meets the same rooms."""
        return [f"bench-{self.run}-{index}" for index in range(len(self.rooms))]

    def text(self) -> str:
        """The plan as the generator reads it."""
        return "\n".join([*self._head(), *self._connections()]) + "\n"

    def _head(self) -> Iterator[str]:
        traffic, peer = self.traffic, self.peer
        yield from (f"target 127.0.0.1 {port}" for port in self.ports)
        yield from (f"probe {label} {pid}" for label, pid in self.probes)
        yield f"path {peer.path}"
        yield from (f"header {header}" for header in peer.headers)
        if peer.beat:
            yield f"beat {peer.beat[0]} {peer.beat[1]}"
        if peer.sequence:
            yield f"sequence {peer.sequence}"
        yield f"acks {int(peer.acks)}"
        yield f"mode {traffic.mode}"
        for key in ("rate", "warmup", "seconds", "least", "longest", "patience", "concurrency"):
            yield f"{key} {getattr(traffic, key)}"

    def _connections(self) -> Iterator[str]:
        client = 0
        for index, (name, room) in enumerate(zip(self.names(), self.rooms, strict=True)):
            missed = self.missed[index] if self.missed else None
            for member in range(room.members):
                seat = Seat(f"u{client}", name, self.run, missed)
                publisher = member if member < room.publishers else -1
                server = (index if room.together else client) % len(self.ports)
                yield f"conn {index} {publisher} {server}"
                yield from self._lines(seat, publishes=publisher >= 0)
                client += 1

    def _lines(self, seat: Seat, *, publishes: bool) -> Iterable[str]:
        yield from self.peer.opening(seat)
        if publishes:
            yield "publish " + self.peer.publish(seat)
