"""A guard against what became slower, by ratios and counts of one run: no clock decides."""

from collections.abc import Iterator

import pytest

from bench.install import build_programs
from bench.peers import chosen_peers
from bench.peers.contract import Launch
from bench.plan import Room
from bench.serving import serving
from bench.spread import ratios
from bench.topology import Topology, topology
from bench.workloads.closed import closed_loop, values
from bench.workloads.workload import Setting
from deploy.local.ports import free_port

REPETITIONS = 3
SECONDS = 0.7
CROWD = (Room(200, 8),)
PAIRS = (Room(2, 2),) * 64

FANOUT_LIMIT = 0.3
"""Of the CPU that plain aiohttp's loop of awaited sends needs; 0.12 to 0.2 is usual."""

READS_LIMIT = 0.15
"""Reads a delivery at the subscribers: eight in flight share each write, 0.125 is all of them."""

INGEST_LIMIT = 0.6
"""Of the CPU that plain aiohttp needs for a message it forgets; 0.3 to 0.45 is usual."""


@pytest.fixture(scope="module")
def redis() -> Iterator[Topology]:
    """A master with two replicas, for all of them."""
    build_programs()
    with topology() as running:
        yield running


def _measured(name: str, redis: Topology, rooms: tuple[Room, ...]) -> dict[str, float]:
    peer = chosen_peers(name)[0]
    redis.empty()
    with serving(peer, Launch(free_port(), redis.redis_url, redis.sentinel_url)) as served:
        return values(closed_loop(Setting(peer, served, redis), rooms, SECONDS))


def _pairs(redis: Topology, rooms: tuple[Room, ...]) -> list[tuple[dict[str, float], ...]]:
    peers = ("holdfast", "plain")
    return [tuple(_measured(name, redis, rooms) for name in peers) for _ in range(REPETITIONS)]


def test_fan_out_costs_a_fraction_of_a_loop_of_awaited_sends(redis: Topology) -> None:
    """200 subscribers, 8 in flight, the ack rule on: a write for each subscriber and batch."""
    pairs = _pairs(redis, CROWD)
    ours, theirs = ([each[side]["cpu_us"] for each in pairs] for side in (0, 1))
    assert ratios(ours, theirs).middle <= FANOUT_LIMIT
    assert min(each[0]["reads_per_delivery"] for each in pairs) <= READS_LIMIT


def test_accepting_costs_a_fraction_of_passing_on(redis: Topology) -> None:
    """128 publishers in rooms of two: checked, replicated and acked for less than forgotten."""
    pairs = _pairs(redis, PAIRS)
    ours, theirs = ([each[side]["cpu_us_message"] for each in pairs] for side in (0, 1))
    assert ratios(ours, theirs).middle <= INGEST_LIMIT
