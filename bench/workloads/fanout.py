"""Fan-out: one room, many subscribers, k messages in flight; CPU per delivered message."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bench import generator
from bench.peers.contract import Launch, Peer
from bench.plan import Plan, Room, Traffic
from bench.results import Sample
from bench.serving import Served, free_port, serving
from bench.workloads.interleave import interleaved

MICRO = 1e6


def measure(
    peer: Peer, served: Served, subscribers: int, in_flight: int, traffic: Traffic
) -> dict[str, float]:
    """One closed-loop run; `cpu_us` is the server's CPU time per message delivered to one client."""
    rooms = (Room(subscribers, in_flight),)
    plan = Plan(peer, rooms, traffic, served.ports, served.probes())
    figures = generator.run(plan)
    delivered = figures.count("delivered")
    return {
        "cpu_us": figures.cpu("server") / delivered * MICRO,
        "delivered_per_s": delivered / figures.seconds,
        "server_share": figures.cpu("server") / figures.seconds,
        "generator_share": figures.generator_share,
        "p50_ms": figures.percentile("delivery", "p50") * 1e3,
        "p99_ms": figures.percentile("delivery", "p99") * 1e3,
        "reads_per_delivery": figures.count("reads") / delivered,
    }


def fanout(
    peers: Sequence[Peer],
    runs: int,
    subscribers: Sequence[int],
    in_flight: Sequence[int],
    seconds: float,
    launch: Callable[[int], Launch] = Launch,
) -> list[Sample]:
    """Every combination for every peer, the server started anew for each repetition."""

    def run(peer: Peer) -> Iterator[tuple[dict[str, Any], Callable[[], dict[str, float]]]]:
        with serving(peer, launch(free_port())) as served:
            for many in subscribers:
                for k in in_flight:
                    traffic = Traffic("closed", seconds, warmup=seconds / 3)
                    yield (
                        {"subscribers": many, "in_flight": k},
                        lambda many=many, k=k: measure(peer, served, many, k, traffic),
                    )

    return interleaved(peers, runs, run)
