"""A message's spans, by the messaging conventions (OpenTelemetry v1.44): never what it says.

No room, user, address or text: `messaging.destination.template` is the same for all rooms.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation import set_span_in_context
from opentelemetry.util.types import AttributeValue

from chat.log import Receipt
from chat.tracing import Trace
from server.contexts import parent_of, traceparent_of
from server.outages import Outages

ROOM: Final = "room:{room}"
_COMMON: Final[Mapping[str, AttributeValue]] = {
    "messaging.system": "redis",
    "messaging.destination.template": ROOM,
}
PUBLISH: Final = {
    **_COMMON,
    "messaging.operation.name": "publish",
    "messaging.operation.type": "send",
}
PROCESS: Final = {
    **_COMMON,
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
}
COMMIT: Final[Mapping[str, AttributeValue]] = {
    "db.system.name": "redis",
    "db.operation.name": "PIPELINE EVALSHA",
}
ID: Final = "messaging.message.id"
CODE: Final = "error.type"


class PublishSpan:
    """From a frame decoded to its answer written."""

    def __init__(self, tracer: Tracer, span: Span, outages: Outages) -> None:
        self._tracer = tracer
        self._outages = outages
        self._began = time.time_ns()
        self.span = span
        self.context = span.get_span_context()
        self.traceparent = traceparent_of(self.context)
        self.trace_id = f"{self.context.trace_id:032x}"

    def commit(
        self, batch: Sequence[Trace], messages: int, server: tuple[str, int]
    ) -> "CommitSpan":
        """Begin the span of a group commit; it links to every traced message in the batch."""
        span = self._tracer.start_span(
            "PIPELINE EVALSHA",
            context=set_span_in_context(self.span),
            kind=SpanKind.CLIENT,
            links=[Link(trace.context) for trace in batch if isinstance(trace, PublishSpan)],
            attributes={
                **COMMIT,
                "db.operation.batch.size": messages,
                "server.address": server[0],
                "server.port": server[1],
            },
        )
        return CommitSpan(span)

    def settled(self, receipt: Receipt) -> None:
        """It has its place."""
        self.span.set_attribute(ID, str(receipt.seq))
        if receipt.dup:
            self.span.set_attribute("chat.message.duplicate", value=True)

    def failed(self, code: str) -> None:
        """It is refused."""
        mark_failed(self.span, code)

    def written(self, first_ns: int, last_ns: int) -> None:  # noqa: ARG002 - ends with the turn
        """Its answer was among what was written."""
        self._end(last_ns)

    def end(self) -> None:
        """Its answer leaves now."""
        self._end(time.time_ns())

    def _end(self, at_ns: int) -> None:
        self._outages.tell(self.span, self._began, at_ns)
        self.span.end(at_ns)


class CommitSpan:
    """One try to commit a batch."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def end(self, error: str | None = None) -> None:
        """It is committed, or failed; ending again is nothing."""
        if not self._span.is_recording():
            return
        if error is not None:
            mark_failed(self._span, "not_committed", error)
        self._span.end()


class DeliverySpan:
    """From an event heard to the last socket written on this node."""

    def __init__(self, tracer: Tracer, parent: SpanContext, seq: int) -> None:
        self.trace_id = f"{parent.trace_id:032x}"
        self._span = tracer.start_span(
            f"process {ROOM}",
            context=parent_of(parent),
            kind=SpanKind.CONSUMER,
            links=[Link(parent)],
            attributes={**PROCESS, ID: str(seq)},
        )

    def framed(self, listeners: int) -> None:
        """Note the fan-out; a span without listeners is never ended, and so never exported."""
        self._span.set_attribute("chat.fanout.size", listeners)

    def written(self, first_ns: int, last_ns: int) -> None:
        """Its turn's writes began and ended."""
        self._span.add_event("first_write", timestamp=first_ns)
        self._span.add_event("last_write", timestamp=last_ns)
        self._span.end(last_ns)


class HandshakeSpan:
    """A WebSocket handshake, up to the upgrade or the refusal."""

    def __init__(self, tracer: Tracer) -> None:
        self._span = tracer.start_span(
            "GET /ws",
            context=parent_of(None),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": "GET", "http.route": "/ws"},
        )
        self._open = True

    def end(self, status: int) -> None:
        """It is answered."""
        if self._open:
            self._open = False
            self._span.set_attribute("http.response.status_code", status)
            if status >= 500:  # noqa: PLR2004 - by the HTTP conventions, for servers
                mark_failed(self._span, str(status))
            self._span.end()


def mark_failed(span: Span, code: str, why: str = "") -> None:
    """Say that it failed, by a code and in words of ours."""
    span.set_attribute(CODE, code)
    span.set_status(Status(StatusCode.ERROR, why or code))
