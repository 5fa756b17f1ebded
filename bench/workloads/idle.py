"""Idle connections: what each costs in memory, and in CPU while nothing but pings goes over it."""

from __future__ import annotations

from functools import partial

from bench.plan import Room, Traffic
from bench.workloads.opening import WARM_CONNECTIONS
from bench.workloads.workload import KIB, Case, Column, Options, Setting, Workload

PEERS = (
    "holdfast",
    "plain",
    "fastapi",
    "python-socketio",
    "channels",
    "socket.io",
    "uwebsockets",
)
"""One of each: by which layer or adapter messages would go makes no difference to silence."""

ROOM_MEMBERS = 10
WINDOW = 25.0
"""Seconds: the interval of the pings of Holdfast, Socket.IO and the peers here, so one for each."""

SETTLE = 3.0


def _measure(connections: int, setting: Setting) -> dict[str, float]:
    setting.run((Room(WARM_CONNECTIONS, 0),), Traffic("hold", 1.0, 0.0))
    rooms = (Room(ROOM_MEMBERS, 0),) * (connections // ROOM_MEMBERS)
    figures = setting.run(rooms, Traffic("hold", WINDOW, SETTLE))
    grown = figures.rss("server", "end") - figures.rss("server", "start")
    return {
        "kib_per_connection": grown / connections / KIB,
        "cpu_share": figures.cpu("server") / figures.seconds,
        "redis_share": figures.cpu("redis") / figures.seconds,
        "cpu_ms_opened": figures.cpu("server", "cpu_open_ns") / connections * 1e3,
    }


def idle(options: Options) -> Workload:
    """Connections, joined and silent."""
    cases = tuple(Case({"connections": n}, partial(_measure, n)) for n in options.connections)
    columns = (
        Column("RSS KiB per connection", "kib_per_connection", ".1f", compared=True, plotted=True),
        Column("CPU, share of a core", "cpu_share", ".2%"),
        Column("Redis, share of a core", "redis_share", ".2%"),
    )
    about = f"Connections in rooms of ten, silent for {WINDOW:.0f} s but for the pings."
    return Workload("idle", about, PEERS, cases, columns)
