"""A real receiver of OTLP over HTTP: it decodes what servers export, and keeps the raw bytes."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Wire

PATIENCE_S = 15.0


class Event(NamedTuple):
    name: str
    at: int
    attributes: Mapping[str, Any]


class Span(NamedTuple):
    """A span as it came; ids are hexadecimal, `links` the span ids linked to, times in ns."""

    name: str
    kind: str
    node: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    start: int
    end: int
    attributes: Mapping[str, Any]
    events: tuple[Event, ...]
    failed: bool
    status: str

    def event(self, name: str) -> Event:
        """Return the only event of that name."""
        (found,) = (event for event in self.events if event.name == name)
        return found


class Receiver:
    """Where servers send their spans."""

    def __init__(self) -> None:
        self.url = ""
        self.raw = b""
        self.headers: Mapping[str, str] = {}  # of the last export
        self.spans: list[Span] = []
        self._came = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        """Take an export in."""
        body = await request.read()
        self.headers = request.headers
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            node = attributes(resource.resource.attributes)["service.instance.id"]
            for scope in resource.scope_spans:
                self.spans += [decoded(span, node) for span in scope.spans]
        self._came.set()
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type="application/x-protobuf")

    async def until(self, count: int, name: str = "") -> list[Span]:
        """Return the spans of that name once there are so many, oldest first."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := self.named(name)) < count:
                self._came.clear()
                await self._came.wait()
        return found

    def named(self, name: str) -> list[Span]:
        """Return the spans whose name begins so, oldest first."""
        return sorted(
            (span for span in self.spans if span.name.startswith(name)), key=lambda s: s.start
        )


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Listen on a free port of loopback."""
    receiver = Receiver()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/traces", receiver.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield receiver
    finally:
        await runner.cleanup()


def decoded(span: Wire, node: str) -> Span:
    """Return a span of the protocol as a value that can be compared."""
    return Span(
        name=span.name,
        kind=Wire.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        node=node,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple(link.span_id.hex() for link in span.links),
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=attributes(span.attributes),
        events=tuple(
            Event(event.name, event.time_unix_nano, attributes(event.attributes))
            for event in span.events
        ),
        failed=span.status.code == 2,
        status=span.status.message,
    )


def attributes(pairs: Any) -> dict[str, Any]:
    """Return attributes as plain values."""
    return {pair.key: plain(pair.value) for pair in pairs if isinstance(pair, KeyValue)}


def plain(value: AnyValue) -> Any:
    """Return a value without its envelope; lists and what is nested stay as they came."""
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)
