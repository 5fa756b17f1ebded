"""Failover: Redis' master dies or freezes under load; how long nothing arrives, what is lost."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from functools import partial
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from bench import generator
from bench.generator import Refused
from bench.plan import Room, Traffic
from bench.topology import Topology
from bench.workloads.workload import ALL_PEERS, Case, Column, Options, Setting, Workload

ROOMS = (Room(5, 1),) * 20
RATE = 200.0
NODES = 2
"""Each room's members are on both: what one process delivers to its own needs no Redis."""

WINDOW = 20.0
FAULT_AFTER = 2.0
PROMOTION_DEADLINE = 12.0
POLL = 0.01
FAULTS = {"killed": signal.SIGKILL, "frozen": signal.SIGSTOP}


def _is_master(port: int) -> bool:
    try:
        with Redis(port=port, socket_timeout=0.2) as node:
            return bool(node.role()[0] == b"master")
    except RedisError:
        return False


def _promoted_at(redis: Topology) -> int:
    """Waits until a replica says it is master; the moment by the monotonic clock, in ns."""
    deadline = time.monotonic() + PROMOTION_DEADLINE
    while time.monotonic() < deadline:
        if any(_is_master(port) for port in redis.ports[1:]):
            return time.monotonic_ns()
        time.sleep(POLL)
    raise Refused("no replica was promoted")


def _measure(fault: str, setting: Setting) -> dict[str, float]:
    plan = setting.plan(ROOMS, Traffic("open", WINDOW, 1.0, rate=RATE))
    with tempfile.TemporaryDirectory() as folder:
        process = generator.start(plan, Path(folder))
        assert process.stdout is not None
        process.stdout.readline()  # the measured window has begun
        time.sleep(FAULT_AFTER)
        os.kill(setting.redis.pids[0], FAULTS[fault])
        try:
            promoted = _promoted_at(setting.redis)
        except Refused:
            process.kill()
            process.communicate()
            raise
        figures = generator.finish(process, WINDOW * 2)
    figures.refuse_if_busy(figures.generator_share)
    silent_until = figures.count("silent_from_ns") + figures.count("longest_silence_ns")
    return {
        "silence_s": figures.count("longest_silence_ns") / 1e9,
        "after_promotion_s": (silent_until - promoted) / 1e9,
        "unsent": figures.count("unsent"),
        "lost": figures.count("outstanding"),
        "repeats": figures.count("repeats"),
        "closed": figures.count("lost_connections"),
    }


def failover(_: Options) -> Workload:
    """The master is killed, or freezes; every peer finds the new one by the sentinels."""
    cases = tuple(Case({"master": fault}, partial(_measure, fault), NODES) for fault in FAULTS)
    columns = (
        Column("longest silence of a connection, s", "silence_s", ".2f", plotted=True),
        Column("of it after the promotion, s", "after_promotion_s", ".2f"),
        Column("deliveries lost", "lost", ".0f"),
        Column("deliveries repeated", "repeats", ".0f"),
        Column("messages not sent: connection gone", "unsent", ".0f"),
        Column("connections closed", "closed", ".0f"),
    )
    about = (
        f"{RATE:.0f} messages/s in {len(ROOMS)} rooms of five on {NODES} nodes, which find the "
        f"master by the sentinels, for {WINDOW - FAULT_AFTER:.0f} s after the fault. Lost is what "
        "has not come when nothing has come for 5 s; the generator does not connect again, so "
        "what a server closes is silent from then on. Plain and FastAPI wait for the channel's "
        "next message without a deadline, as `async for` over it does: of a frozen master there "
        "is none."
    )
    return Workload("failover", about, ALL_PEERS, cases, columns, breaks_redis=True)
