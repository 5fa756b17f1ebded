"""Repeats every peer in turn, so that a noisy minute falls on all of them alike."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby

from bench.generator import Refused
from bench.peers.contract import Launch, Peer
from bench.results import Sample
from bench.serving import free_port, serving
from bench.topology import Topology, topology
from bench.workloads.workload import Case, Setting, Workload

TRIES = 2
"""A refused run is noise of the machine more often than a fault of the server."""


def _taken(case: Case, setting: Setting) -> tuple[dict[str, float], str]:
    reason = ""
    for _ in range(TRIES):
        try:
            return case.measure(setting), ""
        except Refused as refused:
            reason = str(refused)
    return {}, reason


def _breaking(peer: Peer, repetition: int, workload: Workload) -> Iterator[Sample]:
    for case in workload.cases:
        with topology() as redis:
            launch = Launch(free_port(), redis.sentinel_url, redis.sentinel_url)
            with serving(peer, launch, case.processes) as served:
                setting = Setting(peer, served, redis)
                try:
                    values, refused = case.measure(setting), ""
                except Refused as reason:
                    values, refused = {}, str(reason)
                yield Sample(peer.name, repetition, case.parameters, values, refused)


def sharing(workload: Workload) -> Iterator[tuple[int, list[Case]]]:
    """Cases that are measured on the same servers, and how many of these there are."""
    if workload.anew:
        yield from ((case.processes, [case]) for case in workload.cases)
        return
    for processes, cases in groupby(workload.cases, key=lambda case: case.processes):
        yield processes, list(cases)


def _one(peer: Peer, repetition: int, workload: Workload, redis: Topology) -> Iterator[Sample]:
    if workload.breaks_redis:
        yield from _breaking(peer, repetition, workload)
        return
    for processes, cases in sharing(workload):
        redis.empty()
        launch = Launch(free_port(), redis.redis_url, redis.sentinel_url)
        with serving(peer, launch, processes) as served:
            for case in cases:
                values, refused = _taken(case, Setting(peer, served, redis))
                yield Sample(peer.name, repetition, case.parameters, values, refused)


def interleaved(
    workload: Workload, peers: Sequence[Peer], runs: int, redis: Topology
) -> Iterator[Sample]:
    """Every peer once a repetition, beginning with another one each time, its servers new."""
    for repetition in range(runs):
        first = repetition % len(peers)
        for peer in (*peers[first:], *peers[:first]):
            for sample in _one(peer, repetition, workload, redis):
                print(_progress(sample), file=sys.stderr, flush=True)
                yield sample


def _progress(sample: Sample) -> str:
    values = " ".join(f"{name}={value:.4g}" for name, value in sample.values.items())
    facts = " ".join(f"{name}={value}" for name, value in sample.parameters.items())
    return f"#{sample.repetition} {sample.peer} {facts}: {sample.refused or values}"
