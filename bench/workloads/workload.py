"""What a workload is: cases to measure on a running peer, and the columns of its table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench import generator
from bench.generator import Figures
from bench.peers.contract import Peer
from bench.plan import Plan, Room, Traffic
from bench.serving import Served
from bench.topology import Topology

MICRO = 1e6
MILLI = 1e3
KIB = 1024

ALL_PEERS = (
    "holdfast",
    "plain",
    "fastapi",
    "python-socketio",
    "channels",
    "channels-pubsub",
    "socket.io",
    "socket.io-streams",
)
"""Holdfast and those who, like it, reach other processes over Redis."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A peer's running servers and the Redis behind them."""

    peer: Peer
    served: Served
    redis: Topology

    def plan(self, rooms: tuple[Room, ...], traffic: Traffic) -> Plan:
        """The plan of one run, with every process probed whose CPU a message costs."""
        behind = self.redis.probes() if self.peer.redis else ()
        probes = (*self.served.probes(), *behind)
        return Plan(self.peer, rooms, traffic, self.served.ports, probes)

    def run(self, rooms: tuple[Room, ...], traffic: Traffic) -> Figures:
        """Runs the generator; raises `Refused` rather than give doubtful figures."""
        return generator.run(self.plan(rooms, traffic))


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure, under which parameters, on how many server processes."""

    parameters: dict[str, Any]
    measure: Callable[[Setting], dict[str, float]]
    processes: int = 1


@dataclass(frozen=True, slots=True)
class Column:
    """A value's column; a compared one is also given as a ratio to Holdfast's, one is plotted."""

    title: str
    name: str
    spec: str
    compared: bool = False
    plotted: bool = False


@dataclass(frozen=True, slots=True)
class Workload:
    """A name, what it asks, who takes part, what is measured and how it is shown.

    One that breaks Redis gets a new one for each case, and every peer connects by its sentinels.
    """

    name: str
    about: str
    peers: tuple[str, ...]
    cases: tuple[Case, ...]
    columns: tuple[Column, ...]
    breaks_redis: bool = False


@dataclass(frozen=True)
class Options:
    """What the command line may change."""

    seconds: float = 2.0
    subscribers: tuple[int, ...] = (200, 2000)
    in_flight: tuple[int, ...] = (1, 8, 32)
    connections: tuple[int, ...] = (1000, 10000)
