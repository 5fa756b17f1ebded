"""Closed-loop workloads: so many messages in flight, as fast as the server lets them through."""

from __future__ import annotations

from functools import partial

from bench.generator import Figures, Refused
from bench.plan import Room, Traffic
from bench.workloads.workload import (
    ALL_PEERS,
    MICRO,
    MILLI,
    Case,
    Column,
    Options,
    Setting,
    Workload,
)

WARMUP = 1.0
"""Seconds before the measured ones: buffers and caches fill, and Node's compiler has its turn."""

WAVES = 2
"""Messages of each publisher that a window has at least, ..."""

LONGEST = 8.0
"""... unless these seconds are too short for them."""

INGEST_PUBLISHERS = 256
MANY_ROOMS = 1000
MANY_ROOMS_MEMBERS = 5


def closed_loop(setting: Setting, rooms: tuple[Room, ...], seconds: float) -> Figures:
    """Runs the rooms' publishers against the server, each waiting for its last message."""
    least = WAVES * sum(room.publishers for room in rooms)
    traffic = Traffic("closed", seconds, WARMUP, least=least, longest=LONGEST)
    return setting.run(rooms, traffic)


def values(figures: Figures) -> dict[str, float]:
    """CPU microseconds of server and Redis per delivery and per message, and the rates."""
    delivered, published = figures.count("delivered"), figures.count("published")
    redis = figures.cpu("redis") + figures.cpu("replica")
    if not delivered or not published:
        raise Refused(f"{published} messages, {delivered} deliveries: the window is too short")
    return {
        "cpu_us": figures.cpu("server") / delivered * MICRO,
        "cpu_us_message": figures.cpu("server") / published * MICRO,
        "redis_us_message": redis / published * MICRO,
        "delivered_per_s": delivered / figures.seconds,
        "published_per_s": published / figures.seconds,
        "server_share": figures.cpu("server") / figures.seconds,
        "generator_share": figures.generator_share,
        "generator_waits": figures.waiting_share,
        "others": figures.others,
        "p50_ms": figures.percentile("delivery", "p50") * MILLI,
        "p99_ms": figures.percentile("delivery", "p99") * MILLI,
        "reads_per_delivery": figures.count("reads") / delivered,
    }


def _measure(rooms: tuple[Room, ...], seconds: float, setting: Setting) -> dict[str, float]:
    return values(closed_loop(setting, rooms, seconds))


COLUMNS = (
    Column("server CPU µs per delivery", "cpu_us", ".2f", compared=True, plotted=True),
    Column("Redis CPU µs per message", "redis_us_message", ".0f"),
    Column("deliveries/s", "delivered_per_s", ",.0f"),
    Column("generator's share", "generator_share", ".0%"),
)
MESSAGE_COLUMNS = (
    Column("server CPU µs per message", "cpu_us_message", ".1f", compared=True, plotted=True),
    Column("Redis CPU µs per message", "redis_us_message", ".1f"),
    Column("messages/s", "published_per_s", ",.0f"),
    Column("generator's share", "generator_share", ".0%"),
)


def fanout(options: Options) -> Workload:
    """One room, many subscribers, k of them publishing."""
    cases = tuple(
        Case(
            {"subscribers": many, "in flight": k},
            partial(_measure, (Room(many, k),), options.seconds),
        )
        for many in options.subscribers
        for k in options.in_flight
    )
    limits = ("uwebsockets", "sends", "holdfast-memory", "plain-memory", "socket.io-memory")
    about = "One room; a message is done when every subscriber has it (and its ack is in)."
    return Workload("fanout", about, ALL_PEERS + limits, cases, COLUMNS)


def ingest(options: Options) -> Workload:
    """Many publishers, hardly any fan-out: the cost of accepting a message."""
    rooms = (Room(2, 2),) * (INGEST_PUBLISHERS // 2)
    case = Case({"publishers": INGEST_PUBLISHERS}, partial(_measure, rooms, options.seconds))
    about = (
        "256 publishers in rooms of two, each with one message in flight. Redis' CPU is beside "
        "the server's: Holdfast has each message written on a master and two replicas, where the "
        "others have it passed on and forgotten (Streams: kept by one)."
    )
    return Workload("ingest", about, ALL_PEERS, (case,), MESSAGE_COLUMNS)


def many_rooms(options: Options) -> Workload:
    """A thousand small rooms, one publisher in each."""
    rooms = (Room(MANY_ROOMS_MEMBERS, 1),) * MANY_ROOMS
    case = Case({"rooms": MANY_ROOMS}, partial(_measure, rooms, options.seconds))
    about = "1,000 rooms of five, one publisher in each with one message in flight."
    return Workload("rooms", about, ALL_PEERS, (case,), MESSAGE_COLUMNS)
