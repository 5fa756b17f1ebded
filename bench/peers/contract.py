"""What the runner must know of a peer: how its server is started and how its clients speak."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

STAMP = "\x01"
"""Stands in a publish frame where the generator writes publisher, number and intended send time."""

STAMP_LENGTH = 30
DELIVERY_MARK = "hfb_"
ACK_MARK = "hfc_"

TEXT_LENGTH = 100
"""Characters of a message's text: a sentence of chat, within every peer's limits."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a room's log: the history it belongs to and a message's number in it."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Missed:
    """What a client that comes back has not seen: after the one position, up to the other."""

    since: Position
    head: Position


@dataclass(frozen=True, slots=True)
class Seat:
    """One client connection: who it is, which room it is in, and the run it belongs to."""

    user: str
    room: str
    run: str
    missed: Missed | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """Where one server process is to listen and which Redis it may use."""

    port: int
    redis_url: str = "memory://"
    sentinel_url: str = ""


@dataclass(frozen=True, slots=True)
class Peer:
    """A server under test with the bytes its clients exchange with it.

    `opening` yields the lines `send <frame>` and `expect <bytes>` that bring a connection into its
    room. `publish` gives the frame of one message, with `STAMP` where the generator writes.
    `acks` is true where the server confirms a publish with a frame that holds the client's own id;
    `sequence` names the field by which it numbers the messages of a room; `beat` is an
    application-level ping and its answer. `head` asks the server on a port for the end of a room's
    log, where clients can resume; their `opening` then goes by `Seat.missed`.
    """

    name: str
    title: str
    command: Callable[[Launch], list[str]]
    opening: Callable[[Seat], Iterable[str]]
    publish: Callable[[Seat], str]
    environment: Callable[[Launch], Mapping[str, str]] = field(default=lambda _: {})
    path: str = "/ws"
    headers: tuple[str, ...] = ()
    beat: tuple[str, str] | None = None
    acks: bool = False
    sequence: str | None = None
    redis: bool = True
    head: Callable[[int, str], Position] | None = None


def message_text() -> str:
    """A message's text: the mark, the stamp, and filler up to `TEXT_LENGTH`."""
    return DELIVERY_MARK + STAMP + " " + "x" * (TEXT_LENGTH - len(DELIVERY_MARK) - STAMP_LENGTH - 1)
