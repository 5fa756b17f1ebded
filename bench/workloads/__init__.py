"""The workloads: each runs its peers interleaved and gives a series of samples."""

from __future__ import annotations

from collections.abc import Callable

from bench.workloads.closed import fanout, ingest, many_rooms
from bench.workloads.failover import failover
from bench.workloads.growth import growth, processes
from bench.workloads.idle import idle
from bench.workloads.latency import acks, latency
from bench.workloads.opening import connecting, resuming
from bench.workloads.workload import Options, Workload

WORKLOADS: dict[str, Callable[[Options], Workload]] = {
    "fanout": fanout,
    "ingest": ingest,
    "rooms": many_rooms,
    "idle": idle,
    "latency": latency,
    "acks": acks,
    "connecting": connecting,
    "resuming": resuming,
    "growth": growth,
    "processes": processes,
    "failover": failover,
}
