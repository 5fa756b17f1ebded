"""What the Redis engine has counted, gathered for metrics: nothing is asked of anybody."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from chat.engine import Phase, Statistics
from chat.histogram import Histogram

if TYPE_CHECKING:
    from resilience.engine_redis import RedisEngine


def count(engine: "RedisEngine") -> Statistics:
    """Return the numbers of all parts."""
    generation = engine.succession.generation
    reigning = None if generation is None or generation.over else generation
    oldest = [lane.holding.oldest for lane in engine.lanes]
    since = min((at for at in oldest if at is not None), default=None)
    live = {} if engine.watch is None else engine.watch.live
    errors = Counter(engine.reader.errors)
    batches = Histogram(engine.lanes[0].batches.bounds)
    for lane in engine.lanes:
        errors.update(lane.errors)
        batches.add(lane.batches)
    control = engine.control
    about_people = (engine.connections, engine.presence, engine.signals)
    parts = (engine.records, control, control.revocations, *about_people)
    return Statistics(
        held=engine.budget.messages,
        held_s=0.0 if since is None else asyncio.get_running_loop().time() - since,
        held_peak=engine.budget.peak,
        batches=batches,
        gaps=engine.feed.gaps,
        garbled=engine.feed.garbled + sum(part.skipped for part in parts),
        failovers=engine.succession.failovers,
        blackouts=engine.state.blackouts,
        unavailable_s=engine.state.unavailable_s,
        away_s=0.0 if engine.storage.phase is Phase.STARTING else engine.state.away_s,
        master="" if reigning is None else str(reigning.address),
        replicas=0 if reigning is None else len(reigning.insync.members),
        sentinels={str(address): up for address, up in live.items()},
        errors=dict(errors),
        deaf=engine.feed.subscriber.deaf,
        breaches=tuple(finding.name for finding in engine.checkup.findings if not finding.ok),
    )
