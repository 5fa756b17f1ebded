"""What a message costs as rooms, history, members and nodes grow."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bench import generator
from bench.plan import Room, Traffic
from bench.workloads.closed import WARMUP, closed_loop, values
from bench.workloads.workload import Case, Column, Options, Setting, Workload

RATE = 1000.0
"""Messages/s by the clock where the number of rooms or messages is what grows."""

FILL_RATE = 4000.0
ROOM_MEMBERS = 5
IN_FLIGHT = 8
SUBSCRIBERS = 240
MEMBERS = (15, 60, 240, 960)
ROOMS = (1, 10, 100, 1000)
HISTORY = (0, 1000, 10000)
NODES = (1, 2, 3)
PROCESS_ROOMS = 4
PROCESS_MEMBERS = 60
PROCESS_IN_FLIGHT = 32
"""Enough to keep a process busy though each of its rooms' publishers are spread over all."""

CAPACITY = "deliveries per CPU second of the busiest process"
OVER = "over which a room is spread"


def _members(many: int, seconds: float, setting: Setting) -> dict[str, float]:
    return values(closed_loop(setting, (Room(many, IN_FLIGHT),), seconds))


def _steady(seconds: float) -> Traffic:
    return Traffic("open", seconds, WARMUP, rate=RATE)


def _rooms(many: int, seconds: float, setting: Setting) -> dict[str, float]:
    return values(setting.run((Room(ROOM_MEMBERS, 1),) * many, _steady(seconds)))


def _history(messages: int, seconds: float, setting: Setting) -> dict[str, float]:
    plan = setting.plan((Room(ROOM_MEMBERS, ROOM_MEMBERS),), _steady(seconds))
    if messages:
        fill = Traffic("open", messages / FILL_RATE, 0.0, rate=FILL_RATE)
        generator.run(replace(plan, traffic=fill))
    return values(generator.run(plan))


def growth(options: Options) -> Workload:
    """Holdfast alone: each of four things grows while the others stay."""
    seconds = options.seconds
    cases = [
        *(Case({"grows": "members", "to": n}, partial(_members, n, seconds)) for n in MEMBERS),
        *(Case({"grows": "rooms", "to": n}, partial(_rooms, n, seconds)) for n in ROOMS),
        *(Case({"grows": "history", "to": n}, partial(_history, n, seconds)) for n in HISTORY),
        *(
            Case({"grows": "nodes", "to": n}, partial(_members, SUBSCRIBERS, seconds), n)
            for n in NODES
        ),
    ]
    columns = (
        Column("server CPU µs per message", "cpu_us_message", ".1f"),
        Column("server CPU µs per delivery", "cpu_us", ".2f", plotted=True),
        Column("Redis CPU µs per message", "redis_us_message", ".1f"),
    )
    about = (
        f"Members and nodes: one room, {IN_FLIGHT} in flight, {SUBSCRIBERS} members on the nodes "
        f"together. Rooms and history: rooms of {ROOM_MEMBERS}, {RATE:,.0f} messages/s in all."
    )
    return Workload("growth", about, ("holdfast",), tuple(cases), columns)


def _capacity(over: int, seconds: float, setting: Setting) -> dict[str, float]:
    room = Room(PROCESS_MEMBERS, PROCESS_IN_FLIGHT, together=over == 1)
    rooms = PROCESS_ROOMS * len(setting.served.ports)
    figures = closed_loop(setting, (room,) * rooms, seconds)
    busiest = max(p["cpu_ns"] for p in figures.raw["probes"] if p["label"] == "server") / 1e9
    return values(figures) | {"capacity_per_s": figures.count("delivered") / busiest}


def processes(options: Options) -> Workload:
    """One process and two: the deliveries/s that the busiest would manage on a core of its own."""
    cases = tuple(
        Case({"processes": n, OVER: over}, partial(_capacity, over, options.seconds), n)
        for n, over in ((1, 1), (2, 1), (2, 2))
    )
    columns = (
        Column(CAPACITY, "capacity_per_s", ",.0f", plotted=True),
        Column("server CPU µs per delivery, all processes", "cpu_us", ".2f"),
    )
    about = (
        f"{PROCESS_ROOMS} rooms of {PROCESS_MEMBERS} for each process, {PROCESS_IN_FLIGHT} in "
        "flight in each, a room's members at one process or spread over both. Generator, Redis and "
        "servers share the machine's cores, so the capacity is deliveries by CPU time, not by the "
        "clock."
    )
    peers = ("holdfast", "plain", "python-socketio", "socket.io")
    return Workload("processes", about, peers, cases, columns)
