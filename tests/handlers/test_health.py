"""Health: what each probe says in each state of the node, and that none asks the storage."""

import re
from typing import Any

import msgspec
import pytest

from chat.engine import Phase, Storage
from handlers.health import checks
from tests.handlers.conftest import Rest


async def probe(rest: Rest, name: str) -> tuple[int, Any]:
    answer = await rest.ask("GET", f"/health/{name}", user=None)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status, answer.json


def turn(rest: Rest, phase: Phase) -> None:
    """Have the engine report another phase."""
    storage = Storage(phase, "test", 0)
    object.__setattr__(rest.node.engine, "storage", storage)
    rest.node.hub.storage_changed(storage)


async def test_live(rest: Rest) -> None:
    """Liveness is 200 whatever the storage does."""
    turn(rest, Phase.DOWN)
    assert await probe(rest, "live") == (200, {"status": "live"})


async def test_ready(rest: Rest) -> None:
    """A node whose storage is up is ready, and says what it looked at."""
    status, body = await probe(rest, "ready")
    assert (status, body["status"]) == (200, "ready")
    assert body["checks"]["storage"]["phase"] == "up"
    assert body["checks"]["accepting"] is True
    assert set(body["checks"]["hub"]) == {"rooms", "live", "catching"}


async def test_anybody_is_not_told_where_the_storage_is(rest: Rest) -> None:
    """The public port says which phase the storage is in, and not what its reason names."""
    turn(rest, Phase.UP)
    _, body = await probe(rest, "ready")
    assert body["checks"]["storage"] == {"phase": "up", "reason": "", "since": 0}


@pytest.mark.parametrize("phase", [Phase.FAILING_OVER, Phase.DOWN])
async def test_a_failover_stays_ready(
    rest: Rest, phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without storage a node is degraded and 200 for 60 s, then gone and 503, then ready again."""
    began = rest.node.now()
    turn(rest, phase)
    assert (await probe(rest, "ready"))[0::1][0] == 200
    for after, status, word in [(59.0, 200, "degraded"), (62.0, 503, "gone")]:
        monkeypatch.setattr(rest.node, "now", lambda after=after: began + after)
        got, body = await probe(rest, "ready")
        assert (got, body["status"]) == (status, word)
    turn(rest, Phase.UP)
    assert (await probe(rest, "ready"))[1]["status"] == "ready"


async def test_starting_and_draining_are_not_ready(rest: Rest) -> None:
    """A node that starts or drains is 503; draining wins."""
    turn(rest, Phase.STARTING)
    status, body = await probe(rest, "ready")
    assert (status, body["status"]) == (503, "starting")
    rest.node.gate.draining = True
    status, body = await probe(rest, "ready")
    assert (status, body["status"]) == (503, "draining")


async def test_websocket_health(rest: Rest) -> None:
    """It counts the connections of now, and says whether one more is let in."""
    status, body = await probe(rest, "websocket")
    stamp = body.pop("timestamp")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stamp)
    assert (status, body) == (
        200,
        {"status": "healthy", "service": "websocket", "connections": 0, "accepting": True},
    )
    async with rest.served.client():
        assert (await probe(rest, "websocket"))[1]["connections"] == 1
    rest.node.gate.draining = True
    assert (await probe(rest, "websocket"))[1]["accepting"] is False


async def test_no_probe_asks_the_storage(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probes answer even when every call of the engine would fail."""
    for name in ("log", "presence", "connections", "signals", "cluster"):
        monkeypatch.setattr(rest.node.engine, name, None)
    for name in ("live", "ready", "websocket"):
        assert (await probe(rest, name))[0] == 200


@pytest.mark.parametrize("change", [{"deaf": True}, {"breaches": ("appendonly",)}])
async def test_what_breaks_the_promise_is_said(
    rest: Rest, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    """A deaf node, or a Redis that can't keep the promise, is degraded and says why."""
    counted = msgspec.structs.replace(rest.node.engine.statistics(), **change)
    monkeypatch.setattr(rest.node.engine, "statistics", lambda: counted)
    status, body = await probe(rest, "ready")
    assert (status, body["status"]) == (200, "degraded")
    found = checks(rest.node)
    assert {name: getattr(found, name) for name in change} == change
    assert body["checks"]["breaches"] == []
