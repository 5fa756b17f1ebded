"""A master is killed under load: its traces, metrics and alerts agree with a recorder outside.

The recorder shares nothing with them: it is the people who talk, and when they were answered.
"""

import asyncio
import json
import re
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from deploy.local.audience import audience
from deploy.local.cluster import Cluster
from deploy.local.waiting import until
from tests.server.otlp import Receiver, Span, receiving
from tests.server.prometheus import FOLDER, Prometheus, watching
from tests.server.test_traces import EXPORTING

PEOPLE = 10  # each says twenty messages a second
BEFORE_S = 2.0
AFTER_S = 4.0  # several scrapes
EXPORTED_S = 15.0
EVALUATED_S = 15.0  # the rules are evaluated every five seconds
# Seconds. On a machine that runs other tests beside, the recorder itself is woken late.
CLOSE, LOOSE = 0.1, 0.5
RATIO = "0.2"


def gap(acks: list[tuple[float, float]]) -> float:
    """Return the longest time without an answer."""
    moments = sorted(end for _, end in acks)
    return max(after - before for before, after in pairwise(moments))


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "agreement",
    [pytest.param(LOOSE, id="loose"), pytest.param(CLOSE, id="close", marks=pytest.mark.drill)],
)
async def test_a_failover_as_it_is_seen(tmp_path: Path, agreement: float) -> None:
    """Trace, blackout, failover count and alerts tell of one failover what people met."""
    asyncio.get_running_loop().set_debug(enabled=False)  # the recorder is to be quick
    async with receiving() as receiver:
        settings = EXPORTING | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "TRACE_RATIO": RATIO,
        }
        async with (
            Cluster(chats=2, settings=settings) as cluster,
            watching(cluster, tmp_path) as prometheus,
        ):
            urls = [chat.url for chat in cluster.chats]
            async with audience(urls, cluster.jwt_secret, "den", PEOPLE) as people:
                await asyncio.sleep(BEFORE_S)
                old = await cluster.master()
                await cluster.kill(old)
                new = await cluster.wait_for_new_master(old, 30)
                await asyncio.sleep(AFTER_S)
            longest = max(gap(person.acks) for person in people)
            together = gap([ack for person in people for ack in person.acks])
            assert 0.5 < together <= longest
            await assert_metrics(prometheus, pytest.approx(together, abs=agreement))
            await assert_names(prometheus)
            await assert_exemplars(prometheus, receiver)
            assert_traces(
                receiver,
                pytest.approx(together, abs=agreement),
                f"master 127.0.0.1:{new.announced}",
            )


async def assert_exemplars(prometheus: Prometheus, receiver: Receiver) -> None:
    """A point of a latency panel opens a trace that the collector has."""
    for metric in ("ack", "delivery"):
        text = f"chat_message_{metric}_duration_seconds_bucket"
        span = {"start": str(time.time() - 60), "end": str(time.time())}
        series = await prometheus.ask("/api/v1/query_exemplars", query=text, **span)
        found = {one["labels"]["trace_id"] for each in series for one in each["exemplars"]}
        assert found
        await until(partial(exported, receiver, found), EXPORTED_S, "the traces have arrived")


async def exported(receiver: Receiver, traces: set[str]) -> bool:
    """Say whether the collector has all these traces: they leave some time after the metric."""
    return traces <= {span.trace for span in receiver.spans}


async def assert_metrics(prometheus: Prometheus, silence: object) -> None:
    """Each node counts one failover, and its blackout is the silence that people met."""
    assert set((await prometheus.query("chat_redis_failovers_total")).values()) == {1}

    async def evaluated() -> bool:
        return await prometheus.query("holdfast:failovers:max") == {"": 1}

    await until(evaluated, EVALUATED_S, "the rules count one failover")
    assert await prometheus.query("max(changes(chat_redis_failovers_total[1m]))") == {"": 1}
    blackouts = await prometheus.query("chat_redis_blackout_duration_seconds_sum")
    counts = await prometheus.query("chat_redis_blackout_duration_seconds_count")
    assert set(counts.values()) == {1}
    assert len(blackouts) == 2
    for blackout in blackouts.values():
        assert blackout == silence
    assert await prometheus.alerts() == set()


def assert_traces(receiver: Receiver, silence: object, ended_by: str) -> None:
    """A held message's trace tells how long it was held, why, and who became master."""
    held = [s for s in receiver.named("publish") if any(e.name == "held" for e in s.events)]
    late = [s for s in held if s.attributes.get("chat.trace.late")]
    assert late
    assert {s.attributes.get("chat.trace.late", False) for s in held} <= {True, False}
    longest = max(held, key=duration)
    assert duration(longest) == silence
    for span in held:
        told = span.event("released")
        assert told.attributes["chat.hold.ended_by"] == ended_by
        assert told.attributes["chat.hold.duration"] == pytest.approx(duration(span), abs=0.001)
        assert span.event("held").attributes["chat.hold.reason"]
        assert told.at <= span.end
        assert not span.failed


def duration(span: Span) -> float:
    return (span.event("released").at - span.event("held").at) / 1e9


METRIC = re.compile(r'\b(?:chat|http|redis|process|holdfast)[a-z_0-9:]*[a-z0-9]\b(?!")')


def named_in(text: str) -> set[str]:
    """Return the metrics that an expression names."""
    return set(METRIC.findall(text))


async def assert_names(prometheus: Prometheus) -> None:
    """Every metric that the dashboard or a rule names is in the scrape, or is a family there."""
    there = await prometheus.names() | families(await scrape(prometheus))
    expressions = list(of_dashboard()) + list(of_rules())
    assert len(expressions) > 60
    labels = {"http_route", "http_response_status_code", "redis"}
    missing = {
        name for text in expressions for name in named_in(text) - labels if name not in there
    }
    assert missing == set()


async def scrape(prometheus: Prometheus) -> set[str]:
    """Return the families that servers and exporter offer, samples or not."""
    return {one["metric"] for one in await prometheus.ask("/api/v1/targets/metadata")}


def families(names: set[str]) -> set[str]:
    """Return the names of the series of families, also of those without a sample yet."""
    endings = ("", "_total", "_bucket", "_count", "_sum", "_info")
    return {name + ending for name in names for ending in endings}


def of_dashboard() -> list[str]:
    board = json.loads((FOLDER / "grafana" / "dashboards" / "holdfast.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    return queries + [note["expr"] for note in board["annotations"]["list"]]


def of_rules() -> list[str]:
    groups = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]
