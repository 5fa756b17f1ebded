"""The Redis engine described to an administrator: topology, phases, nodes; no secrets."""

from typing import TYPE_CHECKING, Any

from resilience.generation import Generation
from resilience.sentinel_watch import SentinelWatch

if TYPE_CHECKING:
    from resilience.engine_redis import RedisEngine


def describe(engine: "RedisEngine") -> dict[str, Any]:
    """Return what is known without asking anybody."""
    storage = engine.storage
    own = {
        "connections": len(engine.connections),
        "rooms": len(engine.feed.rooms),
        "held": engine.budget.messages,
        "deaf": engine.feed.deaf,
    }
    turns = [*engine.state.turns, storage]
    return {
        "engine": "redis",
        "history": [{"phase": t.phase.value, "reason": t.reason, "at": t.since} for t in turns],
        "node": engine.node,
        "storage": {
            "phase": storage.phase.value,
            "reason": storage.reason,
            "since": storage.since,
            "failovers": engine.succession.failovers,
        },
        "master": _master(engine.succession.generation),
        "sentinels": _sentinels(engine.watch),
        "nodes": {node: own if node == engine.node else {} for node in sorted(engine.lease.live)},
        "checks": [finding.row for finding in engine.checkup.findings],
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


def _sentinels(watch: SentinelWatch | None) -> dict[str, bool]:
    return {} if watch is None else {str(address): up for address, up in watch.live.items()}
