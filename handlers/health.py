"""Health: three probes answered from what the node knows already, without asking the storage."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from aiohttp import web

from chat.engine import Phase, Storage
from handlers.answers import json_response
from handlers.node import NODE, Node

STORAGE_GONE_S: Final = 60.0  # a failover takes seconds; restarting a node would not shorten it
STATES: Final = ("ready", "degraded", "starting", "draining", "gone")
WELL: Final = frozenset({"ready", "degraded"})
_UNAVAILABLE: Final = 503


class Live(msgspec.Struct, frozen=True):
    """The event loop answers; nothing else is looked at."""

    status: str = "live"


class Checks(msgspec.Struct, frozen=True):
    """What readiness is made of; `loop_lag_ms` is how late the loop woke up last.

    `deaf`: messages of other nodes come late, from the log. `breaches`: what of the storage's
    configuration breaks the promise; these and the storage's `reason` are told to operators and
    administrators only. `canary_age_s`: how long ago a message of the node's own
    came back to it; one is sent every 5 s.
    """

    storage: Storage
    deaf: bool
    breaches: tuple[str, ...]
    accepting: bool
    loop_lag_ms: float | None
    canary_age_s: float
    hub: dict[str, int]


class Ready(msgspec.Struct, frozen=True):
    """`ready` or `degraded` (held, deaf, mute, or ill-configured): 200; the others are 503."""

    status: str
    checks: Checks


class WebSocketHealth(msgspec.Struct, frozen=True):
    """Whether this node takes WebSocket connections, and how many it has."""

    status: str
    service: str
    timestamp: str
    connections: int
    accepting: bool


async def live(_: web.Request) -> web.Response:
    """Tell that the event loop answers."""
    return json_response(Live())


async def ready(request: web.Request) -> web.Response:
    """Tell anybody whether this node should be sent new clients.

    Not where the storage is, nor how it is set up: that is for operators and administrators.
    """
    node = request.app[NODE]
    found = checks(node)
    storage = msgspec.structs.replace(found.storage, reason="")
    return _ready(node, msgspec.structs.replace(found, storage=storage, breaches=()))


async def ready_in_full(request: web.Request) -> web.Response:
    """Tell operators whether this node should be sent new clients, and why not."""
    node = request.app[NODE]
    return _ready(node, checks(node))


def _ready(node: Node, found: Checks) -> web.Response:
    status = readiness(node)
    return json_response(Ready(status, found), status=200 if status in WELL else _UNAVAILABLE)


def checks(node: Node) -> Checks:
    """Return what readiness is made of."""
    counted, vitals = node.engine.statistics(), node.vitals
    return Checks(
        storage=node.engine.storage,
        deaf=counted.deaf,
        breaches=counted.breaches,
        accepting=node.gate.accepting,
        loop_lag_ms=None if vitals.lag is None else round(vitals.lag * 1000, 1),
        canary_age_s=round(vitals.canary_age(node.now()), 1),
        hub=node.hub.statistics(),
    )


def readiness(node: Node) -> str:
    """Return the word for it; `degraded` stays ready, for its sockets are better left alone."""
    storage = node.engine.storage
    if node.gate.draining:
        return "draining"
    if storage.up:
        counted = node.engine.statistics()
        ailing = counted.deaf or counted.breaches or node.mute
        return "degraded" if ailing else "ready"
    if storage.phase is Phase.STARTING:
        return "starting"
    return "gone" if node.degraded_s > STORAGE_GONE_S else "degraded"


async def websocket_health(request: web.Request) -> web.Response:
    """Tell how many WebSocket connections there are, and whether one more is let in."""
    gate = request.app[NODE].gate
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json_response(
        WebSocketHealth(
            status="draining" if gate.draining else "healthy",
            service="websocket",
            timestamp=now,
            connections=gate.active,
            accepting=gate.accepting,
        )
    )
