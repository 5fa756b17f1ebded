"""Coming and coming back: connections a second, and everybody at once after a node's death."""

from __future__ import annotations

from functools import partial

from bench.plan import Room, Traffic
from bench.workloads.workload import ALL_PEERS, MILLI, Case, Column, Options, Setting, Workload

CONNECTIONS = 2000
ROOM_MEMBERS = 10
CONCURRENCY = 64


def _measure(concurrency: int, setting: Setting) -> dict[str, float]:
    rooms = (Room(ROOM_MEMBERS, 0),) * (CONNECTIONS // ROOM_MEMBERS)
    figures = setting.run(rooms, Traffic("hold", 0.5, 0.0, concurrency=concurrency))
    return {
        "cpu_ms": figures.cpu("server", "cpu_open_ns") / CONNECTIONS * MILLI,
        "per_s": CONNECTIONS / (figures.count("open_ns") / 1e9),
        "all_s": figures.count("open_ns") / 1e9,
        "p99_ms": figures.percentile("opened", "p99") * MILLI,
    }


COLUMNS = (
    Column("server CPU ms per connection", "cpu_ms", ".3f", compared=True),
    Column("connections/s", "per_s", ",.0f"),
    Column("all live after s", "all_s", ".2f"),
    Column("p99 ms to live", "p99_ms", ".1f"),
)


def connecting(_: Options) -> Workload:
    """Connect, authenticate and join, 64 at a time, and all 2,000 at the same moment."""
    cases = tuple(
        Case({"at once": many}, partial(_measure, many)) for many in (CONCURRENCY, CONNECTIONS)
    )
    about = "2,000 connections from the TCP handshake to having joined a room of ten."
    return Workload("connecting", about, ALL_PEERS, cases, COLUMNS)
