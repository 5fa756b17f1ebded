"""An engine: the storage behind the chat, and what it tells its listener."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from chat.frames import User
from chat.histogram import Histogram
from chat.log import Event, MessageLog, Position
from chat.presence import Connections, Order, Presence, Signals


class Phase(StrEnum):
    """The state of the storage as the node sees it."""

    STARTING = "starting"
    UP = "up"
    FAILING_OVER = "failing_over"
    DOWN = "down"


class Storage(msgspec.Struct, frozen=True):
    """The phase, why, and since when (epoch milliseconds)."""

    phase: Phase
    reason: str
    since: int

    @property
    def up(self) -> bool:
        """Whether publishes are committed now rather than held."""
        return self.phase is Phase.UP


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine has counted since it was opened, for metrics to read; seconds.

    `held` publishes wait for their commit, the oldest for `held_s`. `blackouts` are the closed
    times without a storage that could be written, `away_s` is the open one. `master` is empty
    while there is none. `errors` counts the storage's refusals by their code.
    `deaf`: what other nodes commit is not heard now. `breaches` name what of the storage's
    configuration breaks the promise.
    """

    held: int = 0
    held_s: float = 0.0
    held_peak: int = 0
    batches: Histogram
    gaps: int = 0
    garbled: int = 0
    failovers: int = 0
    blackouts: Histogram
    unavailable_s: float = 0.0
    away_s: float = 0.0
    master: str = ""
    replicas: int = 0
    sentinels: dict[str, bool] = {}
    errors: dict[str, int] = {}
    deaf: bool = False
    breaches: tuple[str, ...] = ()


class Listener(Protocol):
    """What an engine tells this node; every call is synchronous and quick, in the loop's thread."""

    def committed(
        self, room: str, epoch: str, events: Sequence[Event], *, more: bool | None = None
    ) -> None:
        """Safe events of a followed room: the next ones, in order, without gaps.

        `more`: the node is committing more of them, or not; None: nobody here knows.
        """
        ...

    def lost(self, room: str, position: Position) -> None:
        """A history of a followed room was lost; the stream goes on above `position`."""
        ...

    def signalled(self, room: str, payload: bytes) -> None:
        """An ephemeral frame of a followed room."""
        ...

    def presence_changed(
        self, room: str, count: int, join: Sequence[User], leave: Sequence[str]
    ) -> None:
        """Users came or went."""
        ...

    def storage_changed(self, storage: Storage) -> None:
        """The storage went into another phase."""
        ...

    def ordered(self, order: Order) -> None:
        """Close these connections, if they are here; or take these tokens no more."""
        ...


Counted = Callable[[], Mapping[str, int]]


def counts_nothing() -> Mapping[str, int]:
    """Return the counts of a node of which nobody counts anything."""
    return {}


class Engine(Protocol):
    """A storage with all its contracts; opened and closed by whoever wires it.

    `counted` returns what this node counts beside its storage since it started, such as messages
    `published` and `delivered`: an administrator is shown it at every node.
    """

    counted: Counted

    @property
    def node(self) -> str:
        """This node's name, which no other has."""
        ...

    @property
    def log(self) -> MessageLog:
        """The rooms' logs."""
        ...

    @property
    def presence(self) -> Presence:
        """Who is in which room."""
        ...

    @property
    def connections(self) -> Connections:
        """Who is connected, and orders to them."""
        ...

    @property
    def signals(self) -> Signals:
        """Ephemeral frames."""
        ...

    @property
    def storage(self) -> Storage:
        """The storage's present phase."""
        ...

    def statistics(self) -> Statistics:
        """Return what has been counted; asks nobody."""
        ...

    async def fail_over(self) -> None:
        """Order a planned failover; returns when it is ordered, not when it is done.

        Raises `unsupported` where there is nothing to fail over, or no right to order it.
        """
        ...

    async def cluster(self) -> dict[str, Any]:
        """Describe the storage for an administrator: topology, phases, nodes. No secrets."""
        ...
