"""What the Redis engine has counted, gathered for metrics: nothing is asked of anybody."""

import asyncio
from collections import Counter

from chat.engine import Phase, Statistics
from chat.histogram import Histogram
from resilience.parts import Parts


def count(parts: Parts) -> Statistics:
    """Return the numbers of all parts."""
    generation = parts.succession.generation
    reigning = None if generation is None or generation.over else generation
    oldest = [lane.holding.oldest for lane in parts.lanes]
    since = min((at for at in oldest if at is not None), default=None)
    live = {} if parts.watch is None else parts.watch.live
    errors = Counter(parts.reader.errors)
    batches = Histogram(parts.lanes[0].batches.bounds)
    for lane in parts.lanes:
        errors.update(lane.errors)
        batches.add(lane.batches)
    control = parts.control
    about_people = (parts.connections, parts.presence, parts.signals)
    readers = (parts.records, control, control.revocations, *about_people)
    return Statistics(
        held=parts.budget.messages,
        held_s=0.0 if since is None else asyncio.get_running_loop().time() - since,
        held_peak=parts.budget.peak,
        batches=batches,
        gaps=parts.feed.gaps,
        garbled=parts.feed.garbled + sum(reader.skipped for reader in readers),
        failovers=parts.succession.failovers,
        blackouts=parts.state.blackouts,
        unavailable_s=parts.state.unavailable_s,
        away_s=0.0 if parts.state.storage.phase is Phase.STARTING else parts.state.away_s,
        master="" if reigning is None else str(reigning.address),
        replicas=0 if reigning is None else len(reigning.insync.members),
        sentinels={str(address): up for address, up in live.items()},
        errors=dict(errors),
        deaf=parts.feed.subscriber.deaf,
        breaches=tuple(finding.name for finding in parts.checkup.findings if not finding.ok),
    )
