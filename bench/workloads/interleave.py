"""Repeats every peer in turn, so that a noisy minute falls on all of them alike."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench.generator import Refused
from bench.peers.contract import Launch, Peer
from bench.results import Sample
from bench.serving import serving
from bench.topology import Topology, topology
from bench.workloads.workload import Case, Setting, Workload
from deploy.local.ports import free_port

TRIES = 2
"""A refused run is noise of the machine more often than a fault of the server."""


@contextmanager
def _served(peer: Peer, case: Case, redis: Topology, url: str) -> Iterator[Setting]:
    launch = Launch(free_port(), url, redis.sentinel_url)
    with serving(peer, launch, case.processes) as served:
        yield Setting(peer, served, redis)


@contextmanager
def _setting(peer: Peer, case: Case, workload: Workload, redis: Topology) -> Iterator[Setting]:
    """New servers for each case: what one left in memory would be the next one's."""
    if workload.breaks_redis:
        with topology() as own, _served(peer, case, own, own.sentinel_url) as setting:
            yield setting
    else:
        redis.empty()
        with _served(peer, case, redis, redis.redis_url) as setting:
            yield setting


def _taken(
    peer: Peer, case: Case, workload: Workload, redis: Topology
) -> tuple[dict[str, float], str]:
    reason = ""
    for _ in range(1 if workload.breaks_redis else TRIES):
        try:
            with _setting(peer, case, workload, redis) as setting:
                return case.measure(setting), ""
        except Refused as refused:
            reason = str(refused)
    return {}, reason


def interleaved(
    workload: Workload, peers: Sequence[Peer], runs: int, redis: Topology
) -> Iterator[Sample]:
    """Case by case every peer once a repetition, beginning with another one each time.

    So the values of a ratio are taken within a minute of each other.
    """
    for repetition in range(runs):
        first = repetition % len(peers)
        for case in workload.cases:
            for peer in (*peers[first:], *peers[:first]):
                values, refused = _taken(peer, case, workload, redis)
                sample = Sample(peer.name, repetition, case.parameters, values, refused)
                print(_progress(sample), file=sys.stderr, flush=True)
                yield sample


def _progress(sample: Sample) -> str:
    values = " ".join(f"{name}={value:.4g}" for name, value in sample.values.items())
    facts = " ".join(f"{name}={value}" for name, value in sample.parameters.items())
    return f"#{sample.repetition} {sample.peer} {facts}: {sample.refused or values}"
