"""A message's spans are encoded as the SDK encodes the same spans."""

import asyncio
import time
from typing import Final

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Wire
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from chat.engine import Phase, Storage
from chat.log import Receipt
from server.exporter import MessageSpanExporter
from server.gathering import GATHER_S, MOST, Gathering
from server.message_spans import MessageSpan
from server.tracing import MessageTracing
from tests.server.test_telemetry import keeping

CLIENT: Final = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
RESOURCE: Final = Resource({"service.name": "holdfast", "service.instance.id": "n1"})
SCOPE: Final = InstrumentationScope("holdfast")
COMMON: Final = {
    "messaging.system": "redis",
    "messaging.destination.template": "room:{room}",
}
PUBLISH: Final = COMMON | {
    "messaging.operation.name": "publish",
    "messaging.operation.type": "send",
}
PROCESS: Final = COMMON | {
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
}


@pytest.fixture
def exporter() -> MessageSpanExporter:
    return MessageSpanExporter(
        RESOURCE, endpoint="http://127.0.0.1:1/v1/traces", headers={}, timeout=1
    )


@pytest.fixture
def taken() -> list[MessageSpan]:
    return []


@pytest.fixture
def tracing(taken: list[MessageSpan]) -> MessageTracing:
    _, _, provider = keeping(100)
    return MessageTracing(provider, taken.append, 1.0)


def context(trace: bytes, span: bytes, *, remote: bool) -> SpanContext:
    return SpanContext(
        int.from_bytes(trace), int.from_bytes(span), is_remote=remote, trace_flags=TraceFlags(1)
    )


def of(traceparent: str, *, remote: bool) -> SpanContext:
    _, trace, span, _ = traceparent.split("-")
    return context(bytes.fromhex(trace), bytes.fromhex(span), remote=remote)


def alike(exporter: MessageSpanExporter, span: MessageSpan, sdk: dict[str, object]) -> Wire:
    """Assert that a span leaves as one of the SDK would that says this; return it."""
    found = encoded(exporter, span)
    expected = ReadableSpan(
        context=context(found.trace_id, found.span_id, remote=False),
        start_time=found.start_time_unix_nano,
        end_time=found.end_time_unix_nano,
        resource=RESOURCE,
        instrumentation_scope=SCOPE,
        **sdk,  # type: ignore[arg-type]
    )
    assert found == encode_spans([expected]).resource_spans[0].scope_spans[0].spans[0]
    assert abs(found.end_time_unix_nano - time.time_ns()) < 60e9
    assert found.start_time_unix_nano <= found.end_time_unix_nano
    return found


def test_a_publish(
    exporter: MessageSpanExporter, tracing: MessageTracing, taken: list[MessageSpan]
) -> None:
    """A root of its own trace, that links to the client's span and names the message."""
    trace = tracing.publish(CLIENT)
    assert trace is not None
    trace.settled(Receipt(17, 1, dup=True))
    trace.written(1, time.time_ns())
    (span,) = taken
    found = alike(
        exporter,
        span,
        {
            "name": "publish room:{room}",
            "kind": SpanKind.PRODUCER,
            "links": [Link(of(CLIENT, remote=True))],
            "attributes": PUBLISH | {"messaging.message.id": "17", "chat.message.duplicate": True},
        },
    )
    assert trace.traceparent == f"00-{found.trace_id.hex()}-{found.span_id.hex()}-01"
    assert trace.trace_id == found.trace_id.hex()


def test_a_publish_that_was_held_and_refused(
    exporter: MessageSpanExporter, tracing: MessageTracing, taken: list[MessageSpan]
) -> None:
    """It failed by its code, and tells how long it was held and why."""
    tracing.storage_changed(Storage(Phase.UP, "here", 0))
    trace = tracing.publish("no traceparent")
    assert trace is not None
    tracing.storage_changed(Storage(Phase.FAILING_OVER, "it died", 0))
    tracing.storage_changed(Storage(Phase.UP, "there", 0))
    trace.failed("unavailable")
    trace.end()
    (span,) = taken
    held, released = (event.time_unix_nano for event in encoded(exporter, span).events)
    lasted = {"chat.hold.duration": (released - held) / 1e9, "chat.hold.ended_by": "there"}
    alike(
        exporter,
        span,
        {
            "name": "publish room:{room}",
            "kind": SpanKind.PRODUCER,
            "attributes": PUBLISH | {"error.type": "unavailable"},
            "status": Status(StatusCode.ERROR, "unavailable"),
            "events": [
                Event("held", {"chat.hold.reason": "it died"}, held),
                Event("released", lasted, released),
            ],
        },
    )
    assert 0 < released - held < 1e9


def encoded(exporter: MessageSpanExporter, span: MessageSpan) -> Wire:
    (found,) = exporter.encode([span]).resource_spans[0].scope_spans[0].spans
    assert isinstance(found, Wire)
    return found


@pytest.mark.parametrize("error", [None, "the link is lost"])
def test_a_commit(
    exporter: MessageSpanExporter,
    tracing: MessageTracing,
    taken: list[MessageSpan],
    error: str | None,
) -> None:
    """A child of the first message in it, that links to each; it ends once."""
    first, second = tracing.publish(None), tracing.publish(None)
    assert first is not None
    assert second is not None
    commit = first.commit([first, second], 5, ("10.0.0.1", 6379))
    commit.end(error)
    commit.end("again")
    (span,) = taken
    parent = of(first.traceparent, remote=False)
    attributes = {
        "db.system.name": "redis",
        "db.operation.name": "PIPELINE EVALSHA",
        "db.operation.batch.size": 5,
        "server.address": "10.0.0.1",
        "server.port": 6379,
    }
    failure = {
        "attributes": attributes | {"error.type": "not_committed"},
        "status": Status(StatusCode.ERROR, error),
    }
    found = alike(
        exporter,
        span,
        {
            "name": "PIPELINE EVALSHA",
            "kind": SpanKind.CLIENT,
            "parent": parent,
            "links": [Link(parent), Link(of(second.traceparent, remote=False))],
            "attributes": attributes,
        }
        | (failure if error else {}),
    )
    assert found.trace_id.hex() == first.trace_id


def test_a_delivery(
    exporter: MessageSpanExporter, tracing: MessageTracing, taken: list[MessageSpan]
) -> None:
    """A child of the publish on another node, that links to it and tells when it was written."""
    delivery = tracing.deliver(CLIENT, 9)
    assert delivery is not None
    delivery.framed(3)
    now = time.time_ns()
    delivery.written(now, now + 5)
    (span,) = taken
    parent = of(CLIENT, remote=True)
    found = alike(
        exporter,
        span,
        {
            "name": "process room:{room}",
            "kind": SpanKind.CONSUMER,
            "parent": parent,
            "links": [Link(parent)],
            "attributes": PROCESS | {"messaging.message.id": "9", "chat.fanout.size": 3},
            "events": [
                Event("first_write", timestamp=now),
                Event("last_write", timestamp=now + 5),
            ],
        },
    )
    assert found.end_time_unix_nano == now + 5
    assert found.trace_id.hex() == delivery.trace_id


def test_both_kinds_of_spans_leave_together(
    exporter: MessageSpanExporter, tracing: MessageTracing, taken: list[MessageSpan]
) -> None:
    """A batch may hold messages' spans and the SDK's own."""
    _, kept, provider = keeping(10)
    provider.get_tracer("sdk").start_span("request").end()
    trace = tracing.publish(None)
    assert trace is not None
    trace.end()
    trace.end()
    request = exporter.encode([taken[0], *kept.spans, taken[1]])
    names = [
        [span.name for scope in resource.scope_spans for span in scope.spans]
        for resource in request.resource_spans
    ]
    assert names == [["request"], ["publish room:{room}"] * 2]


async def test_spans_are_handed_on_together(tracing: MessageTracing) -> None:
    """Within half a second, or when there are many; none is kept back or handed on twice."""
    handed: list[MessageSpan] = []
    gathering = Gathering(handed.append)
    spans = [tracing.publish(None) for _ in range(MOST + 2)]
    for span in spans[:-1]:
        assert span is not None
        gathering.take(span)
    assert handed == spans[:MOST]
    async with asyncio.timeout(GATHER_S * 10):
        while len(handed) <= MOST:
            await asyncio.sleep(GATHER_S / 10)
    assert spans[-1] is not None
    gathering.take(spans[-1])
    gathering.flush()
    await asyncio.sleep(GATHER_S * 1.2)
    assert handed == spans
