"""Export: where it goes, what a mistake of ours tells, and that it holds nobody up."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import SpanKind

from chat.engine import Phase, Storage
from server.contexts import context_of, parent_of
from server.environment import ConfigurationError
from server.message_spans import MessageSpan
from server.sampling import EdgeSampler
from server.settings import Settings, load
from server.spans import CountingExporter, CountingProcessor, SpanCounts
from server.telemetry import traces_endpoint
from server.tracing import LATE_PER_MINUTE, MessageTracing
from tests.chatting import SECRET, serving, token
from tests.server.otlp import receiving
from tests.server.process import process

EXIT_S = 5.0
TRACEPARENT = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
NEEDED = {"REDIS_URL": "memory://", "JWT_SECRET": SECRET}


@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, "http://c:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c/in"}, "https://c/in"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, None),
    ],
)
def test_where_traces_go(environment: dict[str, str], endpoint: str | None) -> None:
    """The standard variables say where traces go; without them they go nowhere."""
    assert traces_endpoint(load(NEEDED | environment)) == endpoint


def test_other_variables_of_opentelemetry_are_its_own() -> None:
    """A variable of the exporter that is no setting of ours is not taken for a misspelt one."""
    load(NEEDED | {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "3", "OTEL_RESOURCE_ATTRIBUTES": "a=b"})


@given(st.text(st.characters(min_codepoint=9, max_codepoint=128), max_size=20))
def test_what_is_taken_as_headers_is_taken_by_opentelemetry(text: str) -> None:
    """Headers that the settings let pass are never printed by the exporter's own reader."""
    logger = logging.getLogger("opentelemetry.util.re")
    with patch.object(logger, "warning") as warned, suppress(ConfigurationError):
        load(NEEDED | {"OTEL_EXPORTER_OTLP_HEADERS": text}).otlp_headers  # noqa: B018
    assert not warned.called


@pytest.mark.parametrize("by_file", [True, False], ids=["file", "variable"])
async def test_the_collector_is_told_who_sends(tmp_path: Path, by_file: bool) -> None:  # noqa: FBT001
    """Headers by a variable or by a file come with the spans."""
    path, text = tmp_path / "headers", "x-team=abc%20d, y=Basic e="
    path.write_text(f"{text}\n")
    async with (
        receiving() as receiver,
        process(
            OTEL_EXPORTER_OTLP_HEADERS="" if by_file else text,
            OTEL_EXPORTER_OTLP_HEADERS_FILE=str(path) if by_file else "",
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            TRACE_RATIO="1",
            OTEL_BSP_SCHEDULE_DELAY="100",
        ) as server,
    ):
        assert await ask(server.port) == 404
        await receiver.until(1)
    assert (receiver.headers["x-team"], receiver.headers["y"]) == ("abc d", "Basic e=")


class Collector:
    """Takes connections and never answers."""

    def __init__(self) -> None:
        self.port = 0
        self.asked = asyncio.Event()

    async def take(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            writer.close()


@pytest.fixture
async def deaf() -> AsyncIterator[Collector]:
    collector = Collector()
    server = await asyncio.start_server(collector.take, "127.0.0.1", 0)
    collector.port = server.sockets[0].getsockname()[1]
    yield collector
    server.close()


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "deaf"])
async def test_a_collector_that_is_away_holds_nobody_up(deaf: Collector, gone: bool) -> None:  # noqa: FBT001
    """After SIGTERM a server is gone within five seconds, whether spans can be left or not."""
    url = f"http://127.0.0.1:{1 if gone else deaf.port}"
    async with process(
        OTEL_EXPORTER_OTLP_ENDPOINT=url, TRACE_RATIO="1", OTEL_BSP_SCHEDULE_DELAY="100"
    ) as server:
        assert await ask(server.port) == 404
        if gone:
            await server.until("spans_refused")
        else:
            await asyncio.wait_for(deaf.asked.wait(), 10)
        begin = time.monotonic()
        assert await server.stop() == 0
        assert time.monotonic() - begin < EXIT_S


async def test_a_collector_that_has_moved_has_taken_nothing() -> None:
    """A redirect, as of a proxy that wants https, is told as a refusal: the spans are lost."""

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 301 Moved\r\nLocation: https://c/\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(redirect, "127.0.0.1", 0) as moved:
        url = f"http://127.0.0.1:{moved.sockets[0].getsockname()[1]}"
        async with process(
            OTEL_EXPORTER_OTLP_ENDPOINT=url, TRACE_RATIO="1", OTEL_BSP_SCHEDULE_DELAY="100"
        ) as server:
            assert await ask(server.port) == 404
            await server.until("spans_refused")


async def ask(port: int) -> int:
    """Ask for a page there is none of, which is a span; return the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


async def test_a_mistake_of_ours_is_a_500_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error is a span with status 500, an answer that names it, and no text of it."""
    async with receiving() as receiver:
        async with serving(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, TRACE_RATIO=1) as served:

            async def fail(*_: object, **__: object) -> None:
                raise RuntimeError("privateerror")

            monkeypatch.setattr(served.node.engine.log, "read", fail)
            headers = {"Authorization": f"Bearer {token('ann')}"}
            url = f"{served.url}/v1/rooms/den/messages?token=privatequery"
            async with served.session.get(url, headers=headers) as answer:
                problem = await answer.json()
        (span,) = await receiver.until(1)
        assert (span.failed, span.status) == (True, "")
        assert span.attributes["http.response.status_code"] == 500
        assert span.attributes["error.type"] == "500"
        assert (span.trace, span.events) == (problem["trace_id"], ())
        assert b"private" not in receiver.raw


def test_a_client_does_not_decide_what_is_sampled() -> None:
    """A remote parent's sampled flag and trace id count for nothing, at both ends of the ratio."""
    remote = parent_of(context_of(TRACEPARENT))
    for ratio, sampled in ((0.0, 0), (1.0, 100)):
        sampler = EdgeSampler(ratio)
        drawn = [
            sampler.should_sample(remote, 1, "x", SpanKind.SERVER).decision for _ in range(100)
        ]
        assert drawn.count(Decision.RECORD_AND_SAMPLE) == sampled


def never(span: MessageSpan) -> None:
    """Take no span: nothing ends here."""
    raise AssertionError(span)


def test_about_as_many_as_the_ratio_says_are_drawn() -> None:
    """Of 20,000 messages at 1 % about 200 are traced (six standard deviations)."""
    tracing = MessageTracing(TracerProvider(shutdown_on_exit=False), never, 0.01)
    drawn = sum(tracing.publish(None) is not None for _ in range(20_000))
    assert 115 < drawn < 285


class Keeping(SpanProcessor):
    """Keeps what it is handed."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def keeping(queue: int) -> tuple[SpanCounts, Keeping, TracerProvider]:
    counts, kept, provider = SpanCounts(queue), Keeping(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(CountingProcessor(kept, counts))
    return counts, kept, provider


def test_a_full_queue_drops_and_counts() -> None:
    """What the queue can't hold is dropped and counted; what is exported makes room."""
    counts, kept, provider = keeping(2)
    tracer = provider.get_tracer("test")
    for _ in range(3):
        tracer.start_span("x").end()
    assert (counts.dropped, len(kept.spans)) == (1, 2)
    counting = CountingExporter(InMemorySpanExporter(), counts)
    assert counting.export(kept.spans) is SpanExportResult.SUCCESS
    tracer.start_span("x").end()
    assert (counts.dropped, counts.exported, counts.failed) == (1, 2, 0)


def test_late_publishes_are_recorded_but_not_all() -> None:
    """A slow or failed publish is recorded from its beginning, and why it was held; 60 a minute."""
    _, kept, provider = keeping(1_000)
    tracing = MessageTracing(provider, never, 0.0)
    tracing.storage_changed(Storage(Phase.UP, "here", 0))
    tracing.storage_changed(Storage(Phase.FAILING_OVER, "it died", 0))
    time.sleep(0.05)
    tracing.storage_changed(Storage(Phase.UP, "there", 0))
    ids = [tracing.late(2.0, "unavailable", TRACEPARENT) for _ in range(LATE_PER_MINUTE + 5)]
    assert sum(one is not None for one in ids) == LATE_PER_MINUTE
    span = kept.spans[0]
    assert span.end_time is not None
    assert span.start_time is not None
    assert span.end_time - span.start_time == pytest.approx(2e9)
    held, released = span.events
    assert (held.name, released.name) == ("held", "released")
    assert dict(held.attributes or {}) == {"chat.hold.reason": "it died"}
    assert dict(released.attributes or {}) == {
        "chat.hold.duration": pytest.approx(0.05, abs=0.04),
        "chat.hold.ended_by": "there",
    }
    assert span.links[0].context.trace_id == int("ab" * 16, 16)


def test_a_delivery_of_a_forged_context_is_none() -> None:
    """What is stored where a context should be, and is none or not sampled, starts no span."""
    tracing = MessageTracing(TracerProvider(shutdown_on_exit=False), never, 1.0)
    for text in ("", "x" * 55, TRACEPARENT[:-1] + "0", TRACEPARENT.replace("ab", "00")):
        assert tracing.deliver(text, 1) is None
    assert tracing.deliver(TRACEPARENT, 1) is not None


def test_settings_of_telemetry_are_off_by_default() -> None:
    """Without a collector nothing is traced and no thread is started."""
    assert traces_endpoint(Settings()) is None
