"""Spans before they leave: what a client wrote is taken out, and what became of each is counted."""

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status
from opentelemetry.util.types import AttributeValue

_log: Final = logging.getLogger("holdfast.telemetry")

# All that a request's span may say. Paths, queries, hosts, headers and agents are the client's
# words: a token may stand in each of them, and a room in the path.
_KEPT: Final = frozenset(
    {
        "error.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "network.protocol.version",
        "url.scheme",
    }
)


def scrubbed(span: ReadableSpan) -> ReadableSpan:
    """Return a request's span without the client's words; other spans are our own words."""
    if span.kind is not SpanKind.SERVER:
        return span
    kept: Mapping[str, AttributeValue] = {
        key: value for key, value in (span.attributes or {}).items() if key in _KEPT and value != ""
    }
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=kept,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),  # without the text of an exception
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class SpanCounts:
    """What became of the spans; those on their way are in none of the counts."""

    def __init__(self, queue: int) -> None:
        self._lock = threading.Lock()  # the loop's thread ends spans, another one exports them
        self._room = queue
        self.dropped = 0
        self.exported = 0
        self.failed = 0

    def enter(self) -> bool:
        """Take a span into the queue, unless it is full."""
        with self._lock:
            if self._room <= 0:
                self.dropped += 1
                return False
            self._room -= 1
            return True

    def leave(self, spans: int) -> None:
        """Take spans out of the queue, to be exported."""
        with self._lock:
            self._room += spans


class CountingProcessor(SpanProcessor):
    """Scrubs spans and hands them to the next processor, as many as its queue can hold."""

    def __init__(self, following: SpanProcessor, counts: SpanCounts) -> None:
        self._following = following
        self._counts = counts

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Do nothing: what a span says is looked at when it has said all."""

    def on_end(self, span: ReadableSpan) -> None:
        """Hand a span on."""
        self.take(scrubbed(span))

    def take(self, span: ReadableSpan) -> None:
        """Hand on a span whose words are all ours."""
        if self._counts.enter():
            self._following.on_end(span)

    def shutdown(self) -> None:
        """Export what is left."""
        self._following.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export what there is."""
        return self._following.force_flush(timeout_millis)


class CountingExporter(SpanExporter):
    """Counts what the collector took and what it did not; says when that changes."""

    def __init__(self, exporter: SpanExporter, counts: SpanCounts) -> None:
        self._exporter = exporter
        self._counts = counts
        self._refused = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export a batch, in the exporting thread."""
        self._counts.leave(len(spans))
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._counts.exported += len(spans)
        else:
            self._counts.failed += len(spans)
        self._say(refused=result is not SpanExportResult.SUCCESS)
        return result

    def _say(self, *, refused: bool) -> None:
        if refused != self._refused:
            self._refused = refused
            if refused:
                _log.warning("spans_refused")
            else:
                _log.info("spans_accepted")

    def shutdown(self) -> None:
        """Close the connection."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept here."""
        return self._exporter.force_flush(timeout_millis)
