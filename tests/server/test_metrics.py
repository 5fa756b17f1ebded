"""Metrics: what happened is counted, in formats that parsers of both kinds accept."""

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus
from prometheus_client.registry import Collector

from chat.errors import Unavailable
from chat.histogram import Histogram
from handlers.canary import Canary
from server.exposition import expose
from server.histograms import HistogramFamily
from server.operators import build_operators_app
from tests.chatting import Served
from tests.conftest import Connect, Serve

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
NAME = re.compile(r"[{ ]")
LEGACY = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@pytest.fixture
async def served(serve: Serve) -> Served:
    return await serve(RATE_LIMIT_MESSAGES_PER_MINUTE=3, WEBSOCKET_MAX_CONNECTIONS_PER_IP=2)


@pytest.fixture
async def operators(served: Served) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    async with TestClient(TestServer(build_operators_app(served.node))) as client:
        yield client


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return every sample by its name and the values of its labels."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in prometheus(text)
        for sample in family.samples
    }


async def test_what_happened_is_counted(
    served: Served,
    operators: TestClient,  # type: ignore[type-arg]
    connect: Connect,
) -> None:
    """Connections, refusals, acks, deliveries and requests are all in the next scrape."""
    ann, bo = await connect("ann", to=served), await connect("bo", to=served)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await served.session.ws_connect(f"{served.url}/ws")
    await ann.join()
    await bo.join()
    for i in range(4):
        await ann.publish(str(i))
    await served.session.get(f"{served.url}/health/live")
    await bo.until("message", seq=3)
    text = await (await operators.get("/metrics")).text()
    found = samples(text)
    assert found["chat_connection_active", ()] == 2
    assert found["chat_connection_attempts_total", ("per_ip", "refused")] == 1
    assert found["chat_message_ack_duration_seconds_count", ()] == 3
    assert found["chat_message_deliveries_total", ()] == 6
    assert found["chat_message_delivery_duration_seconds_count", ("live",)] == 3
    assert found["chat_server_errors_total", ("rate_limited", "publish")] == 1
    assert found["chat_resume_requests_total", ("fresh",)] == 2


async def test_the_first_incident_is_an_increase(operators: TestClient) -> None:  # type: ignore[type-arg]
    """Each command's incidents are in a new server's first scrape, none of them so far."""
    found = samples(await (await operators.get("/metrics")).text())
    errors = {
        labels: n for (name, labels), n in found.items() if name == "chat_server_errors_total"
    }
    commands = ("auth", "join", "leave", "publish", "typing", "ping", "pong")
    assert errors == {("internal", command): 0 for command in commands}


async def test_nobody_is_named(
    served: Served,
    operators: TestClient,  # type: ignore[type-arg]
    connect: Connect,
) -> None:
    """No room, user, address or text is in a scrape."""
    client = await connect("private-user", to=served)
    await client.join("private-room")
    await client.publish("private-text", room="private-room")
    text = await (await operators.get("/metrics")).text()
    assert "private" not in text
    assert "127.0.0.1" not in text


async def test_openmetrics_with_exemplars(
    served: Served,
    operators: TestClient,  # type: ignore[type-arg]
) -> None:
    """Who asks for OpenMetrics gets it, and with it the trace of a bucket."""
    served.node.statistics.acks.record(0.004)
    served.node.statistics.acks.exemplify(0.004, "ab" * 16, 1_760_000_000.0)
    answer = await operators.get("/metrics", headers=OPENMETRICS)
    exemplars = [
        sample.exemplar.labels["trace_id"]
        for family in openmetrics(await answer.text())  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.exemplar is not None
    ]
    assert exemplars == ["ab" * 16]


async def test_health_is_there_too(operators: TestClient) -> None:  # type: ignore[type-arg]
    """The operators' port answers the probes, and says more than the public one."""
    assert (await operators.get("/health/live")).status == 200
    answer = await operators.get("/health/ready")
    assert answer.status == 200
    assert (await answer.json())["checks"]["storage"]["reason"]


def test_histogram_of_values_at_the_bounds() -> None:
    """A value equal to a bound is counted in that bound's bucket, one above it in the next."""
    values = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.1):
        values.record(value)
    assert values.counts == [2, 2, 1]
    assert (values.count, round(values.total, 6)) == (5, 7.1)


async def test_rates_and_replays_are_counted_apart(
    served: Served,
    operators: TestClient,  # type: ignore[type-arg]
    connect: Connect,
) -> None:
    """A refusal of a rate has its scope; what a resumed client had missed is no live delivery."""
    ann = await connect("ann", to=served)
    for i in range(4):
        await ann.publish(str(i))
    bo = await connect("bo", to=served)
    await bo.join(since=1)
    found = samples(await (await operators.get("/metrics")).text())
    assert found["chat_ratelimit_rejections_total", ("publish",)] == 1
    assert found["chat_message_delivery_duration_seconds_count", ("replay",)] == 2
    assert found["chat_message_delivery_duration_seconds_count", ("live",)] == 0


async def test_one_state_is_read_by_all(
    served: Served,
    operators: TestClient,  # type: ignore[type-arg]
) -> None:
    """Readiness and metrics say the same of the canary and the node, well or not."""
    vitals, now = served.node.vitals, served.node.now()
    for age, status in ((2.0, "ready"), (30.0, "degraded")):
        vitals.start(now - age)
        served.node._turned = now - age
        ready = await (await operators.get("/health/ready")).json()
        found = samples(await (await operators.get("/metrics")).text())
        assert ready["status"] == status
        assert found["chat_node_status", (status,)] == 1
        assert sum(v for (name, _), v in found.items() if name == "chat_node_status") == 1
        assert found["chat_canary_age_seconds", ()] == pytest.approx(age, abs=1)
        assert ready["checks"]["canary_age_s"] == pytest.approx(age, abs=1)


async def test_the_canary_flies_and_is_nobodys_message(
    served: Served,
    operators: TestClient,  # type: ignore[type-arg]
) -> None:
    """A canary goes the whole way and is timed; no histogram of people's messages holds it."""
    canary = Canary(served.node)
    await canary.sing()
    canary.resync("")
    await canary.sing()
    found = samples(await (await operators.get("/metrics")).text())
    assert found["chat_canary_runs_total", ("returned",)] == 2
    assert found["chat_canary_duration_seconds_count", ()] == 2
    assert found["chat_message_deliveries_total", ()] == 0
    assert found["chat_fanout_size_count", ()] == 0
    assert served.node.hub.statistics()["rooms"] == 0


async def test_a_canary_that_does_not_return_is_told(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a storage that refuses nor one that is silent stops the canaries, or passes."""
    canary = Canary(served.node)
    await canary.sing()
    monkeypatch.setattr("handlers.canary.CANARY_S", 0.1)
    monkeypatch.setattr(served.node.hub, "committed", lambda *_: None)
    await canary.sing()

    def refuse(_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(served.node.engine.log, "append", refuse)
    await canary.sing()
    assert served.node.vitals.canary_runs == {"returned": 1, "timeout": 1, "unavailable": 1}


@pytest.mark.parametrize("escaping", ["underscores", "allow-utf-8"])
@pytest.mark.parametrize("form", ["application/openmetrics-text", "text/plain"])
async def test_no_name_needs_escaping(
    served: Served,
    operators: TestClient,  # type: ignore[type-arg]
    form: str,
    escaping: str,
) -> None:
    """Every name is one that the oldest scraper takes, by both usual ways to escape."""
    await served.session.get(f"{served.url}/health/live")
    accept = f"{form}; version=1.0.0; escaping={escaping}"
    answer = await operators.get("/metrics", headers={"Accept": accept})
    assert answer.headers["Content-Type"].endswith(f"escaping={escaping}")
    lines = (await answer.text()).splitlines()
    named = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    named += [NAME.split(line)[0] for line in lines if not line.startswith("#")]
    assert len(named) > 100
    assert [name for name in named if not LEGACY.fullmatch(name)] == []


@pytest.mark.parametrize("accept", [OPENMETRICS["Accept"], "text/plain; version=1.0.0"])
def test_histograms_read_as_those_of_the_library(accept: str) -> None:
    """Our lines and the library's of the same family are read as the same samples."""
    family = HistogramFamily("a_seconds", "How long")
    for labels in ({"route": '/"x"\\\n', "mode": "live"}, {"route": "/y", "mode": ""}):
        values = Histogram((0.005, 1))
        for value in (0.001, 0.5, 3e-05, 7.0):
            values.record(value)
        values.exemplify(0.5, "ab" * 16, 1_760_000_000.25)
        values.exemplify(7.0, "cd" * 16, 1_760_000_001.0)
        family.add(labels, values)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Fixed(family))
    ours, content_type = expose(registry, accept)
    encode, _ = choose_encoder(accept)
    parse = openmetrics if "openmetrics" in content_type else prometheus
    (mine,), (theirs,) = parse(ours.decode()), parse(encode(registry).decode())
    assert (mine.name, mine.type, mine.documentation, len(mine.samples)) == (
        theirs.name,
        "histogram",
        "How long",
        10,
    )
    assert mine.samples == theirs.samples


class Fixed(Collector):
    """Collects one family."""

    def __init__(self, family: HistogramFamily) -> None:
        self._family = family

    def collect(self) -> list[Metric]:
        return [self._family]
