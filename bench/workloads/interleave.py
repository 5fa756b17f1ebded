"""Repeats every peer in turn, so that a noisy minute falls on all of them alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bench.generator import Refused
from bench.peers.contract import Peer
from bench.results import Sample

Run = Callable[[Peer], Iterable[tuple[dict[str, Any], Callable[[], dict[str, float]]]]]
"""Given a peer, the parameters of each measurement with the function that takes it."""

RETRIES = 1
"""A refused run is noise of the machine more often than a fault of the server."""


def _taken(measure: Callable[[], dict[str, float]]) -> tuple[dict[str, float], str]:
    reason = ""
    for _ in range(RETRIES + 1):
        try:
            return measure(), ""
        except Refused as refused:
            reason = str(refused)
    return {}, reason


def interleaved(peers: Sequence[Peer], runs: int, run: Run) -> list[Sample]:
    """Every peer once a repetition, beginning with another one each time."""
    samples = []
    for repetition in range(runs):
        first = repetition % len(peers)
        for peer in (*peers[first:], *peers[:first]):
            for parameters, measure in run(peer):
                values, refused = _taken(measure)
                samples.append(Sample(peer.name, repetition, parameters, values, refused))
                print(_progress(samples[-1]), file=sys.stderr, flush=True)
    return samples


def _progress(sample: Sample) -> str:
    values = " ".join(f"{name}={value:.4g}" for name, value in sample.values.items())
    facts = " ".join(f"{name}={value}" for name, value in sample.parameters.items())
    return f"#{sample.repetition} {sample.peer} {facts}: {sample.refused or values}"
