"""A guard against a slower fan-out, by ratios taken in one run: no clock, no machine decides."""

from bench.install import build_programs
from bench.peers import chosen_peers
from bench.plan import Room
from bench.serving import serving
from bench.spread import ratios
from bench.topology import Topology
from bench.workloads.closed import closed_loop, values
from bench.workloads.workload import Setting

REPETITIONS = 3
SECONDS = 0.7
NO_REDIS = Topology((), (), "")

COST_LIMIT = 0.5
"""Of the CPU that plain aiohttp's loop of awaited sends needs; 0.14–0.25 is usual."""

READS_LIMIT = 0.5
"""Reads a delivery at the subscribers: messages of one tick share a write; 0.15–0.25 is usual."""


def _fanout(name: str) -> dict[str, float]:
    peer = chosen_peers(name)[0]
    with serving(peer) as served:
        return values(closed_loop(Setting(peer, served, NO_REDIS), (Room(200, 8),), SECONDS))


def test_fan_out_costs_at_most_half_of_a_loop_of_awaited_sends() -> None:
    """200 subscribers, 8 in flight, interleaved: the median ratio of CPU per delivery holds."""
    build_programs()
    pairs = [(_fanout("holdfast-memory"), _fanout("plain-memory")) for _ in range(REPETITIONS)]
    ours, theirs = ([each[side]["cpu_us"] for each in pairs] for side in (0, 1))
    assert ratios(ours, theirs).middle <= COST_LIMIT
    assert min(each[0]["reads_per_delivery"] for each in pairs) <= READS_LIMIT
