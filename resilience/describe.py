"""The Redis engine described to an administrator: topology, phases, nodes; no secrets."""

from typing import Any, Final

from resilience.counts import count
from resilience.generation import Generation
from resilience.parts import Parts
from resilience.sentinel_watch import SentinelWatch

_MS: Final = 1000


def describe(parts: Parts) -> dict[str, Any]:
    """Return what is known without asking anybody."""
    storage = parts.state.storage
    views = parts.watch.views if parts.watch is not None else ()
    turns = [*parts.state.turns, storage]
    return {
        "engine": "redis",
        "history": [{"phase": t.phase.value, "reason": t.reason, "at": t.since} for t in turns],
        "node": parts.node,
        "storage": {
            "phase": storage.phase.value,
            "reason": storage.reason,
            "since": storage.since,
            "failovers": parts.succession.failovers,
            "held_oldest_ms": round(count(parts).held_s * _MS),
        },
        "master": _master(parts.succession.generation),
        "replicas": _replicas(parts.succession.generation, parts.watch),
        "quorum": max((view.master.quorum for view in views), default=None),
        "sentinels": _sentinels(parts.watch),
        "nodes": {node: parts.lease.reports.of(node) for node in sorted(parts.lease.live)},
        "checks": [finding.row for finding in parts.checkup.findings],
    }


def _master(generation: Generation | None) -> dict[str, Any] | None:
    if generation is None or generation.over:
        return None
    return {
        "address": str(generation.address),
        "epoch": generation.candidate.epoch,
        "generation": generation.number,
        "continuity": generation.continuity.value,
        "insync": sorted(map(str, generation.insync.members)),
        "ack_replicas": generation.insync.wanted,
    }


def _replicas(generation: Generation | None, watch: SentinelWatch | None) -> list[dict[str, Any]]:
    """Return who follows the master, and whom only the sentinels remember.

    `behind` is in bytes of the replication stream, at the last look.
    """
    reigning = None if generation is None or generation.over else generation
    seen = None if reigning is None else reigning.insync.seen
    online = {} if seen is None else seen.replicas
    views = () if watch is None else watch.views
    known = {*online, *(replica.address for view in views for replica in view.replicas)}
    rows: list[dict[str, Any]] = []
    for address in sorted(known, key=str):
        if reigning is not None and address == reigning.address:
            continue
        down = watch is not None and watch.called_down(address)
        row = {"address": str(address), "online": address in online, "down": down}
        if reigning is not None and seen is not None and address in online:
            row["in_sync"] = address in reigning.insync.members
            row["behind"] = max(0, seen.offset - online[address])
        rows.append(row)
    return rows


def _sentinels(watch: SentinelWatch | None) -> list[dict[str, Any]]:
    """Return each sentinel, whether it answers, and whom it last named, under which epoch."""
    if watch is None:
        return []
    rows: list[dict[str, Any]] = []
    for address, up in watch.live.items():
        view = watch.view(address)
        row = {"address": str(address), "up": up}
        if view is not None:
            row |= {"master": str(view.master.address), "epoch": view.master.epoch}
        rows.append(row)
    return rows
