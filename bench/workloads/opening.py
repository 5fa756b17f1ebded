"""Coming and coming back: connections a second, and everybody at once after a node's death."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bench import generator
from bench.generator import Figures
from bench.peers.contract import Missed
from bench.plan import Plan, Room, Traffic
from bench.workloads.workload import ALL_PEERS, MILLI, Case, Column, Options, Setting, Workload

CONNECTIONS = 2000
ROOM_MEMBERS = 10
WARM_CONNECTIONS = 50
"""Opened and closed first: what a server loads with its first connection is not per connection."""

CONCURRENCY = 64
STORM_MEMBERS = 20
MISSED = 50
FILL_SECONDS = 2.0


def _measure(concurrency: int, setting: Setting) -> dict[str, float]:
    setting.run((Room(WARM_CONNECTIONS, 0),), Traffic("hold", 0.5, 0.0))
    rooms = (Room(ROOM_MEMBERS, 0),) * (CONNECTIONS // ROOM_MEMBERS)
    return _opened(setting.run(rooms, Traffic("hold", 0.5, 0.0, concurrency=concurrency)))


def _opened(figures: Figures) -> dict[str, float]:
    figures.refuse_if_busy(figures.opening_share)
    return {
        "cpu_ms": figures.cpu("server", "cpu_open_ns") / CONNECTIONS * MILLI,
        "per_s": CONNECTIONS / (figures.count("open_ns") / 1e9),
        "all_s": figures.count("open_ns") / 1e9,
        "p99_ms": figures.percentile("opened", "p99") * MILLI,
        "generator_share": figures.opening_share,
    }


def _before_the_storm(setting: Setting, rooms: tuple[Room, ...]) -> Plan:
    """Everybody's rooms with more messages in them than will be missed."""
    few = (Room(2, 1),) * len(rooms)
    plan = setting.plan(few, Traffic("closed", FILL_SECONDS, 0.0))
    generator.run(plan)
    return replace(plan, rooms=rooms)


def _resume(setting: Setting) -> dict[str, float]:
    plan = _before_the_storm(setting, (Room(STORM_MEMBERS, 0),) * (CONNECTIONS // STORM_MEMBERS))
    assert setting.peer.head is not None
    heads = [setting.peer.head(plan.ports[0], name) for name in plan.names()]
    missed = tuple(Missed(replace(head, seq=head.seq - MISSED), head) for head in heads)
    traffic = Traffic("hold", 0.5, 0.0, concurrency=CONNECTIONS)
    return _opened(generator.run(replace(plan, missed=missed, traffic=traffic)))


COLUMNS = (
    Column("server CPU ms per connection", "cpu_ms", ".3f", compared=True, plotted=True),
    Column("connections/s", "per_s", ",.0f"),
    Column("all live after s", "all_s", ".2f"),
    Column("p99 ms to live", "p99_ms", ".1f"),
    Column("generator's share", "generator_share", ".0%"),
)


def connecting(_: Options) -> Workload:
    """Connect, authenticate and join, 64 at a time, and all 2,000 at the same moment."""
    cases = tuple(
        Case({"at once": many}, partial(_measure, many)) for many in (CONCURRENCY, CONNECTIONS)
    )
    about = "2,000 connections from the TCP handshake to having joined a room of ten."
    return Workload("connecting", about, ALL_PEERS, cases, COLUMNS)


def resuming(_: Options) -> Workload:
    """All 2,000 come back at once, and each has missed 50 messages of its room."""
    about = "2,000 connections at the same moment, each live when it has the 50 messages it missed."
    case = Case({"at once": CONNECTIONS, "missed": MISSED}, _resume)
    return Workload("resuming", about, ("holdfast", "holdfast-memory"), (case,), COLUMNS)
