"""What is traced: one message in a hundred, drawn before the SDK is touched, and the late ones."""

import time
from random import getrandbits
from typing import Final

from opentelemetry.trace import Link, SpanKind, TracerProvider

from chat.engine import Storage
from chat.limits import MINUTE_S
from chat.publishing import valid_trace
from chat.rate import Window
from server.contexts import context_of, parent_of
from server.message_spans import (
    PUBLISH,
    ROOM,
    DeliverySpan,
    HandshakeSpan,
    PublishSpan,
    mark_failed,
)
from server.outages import Outages
from server.sampling import BITS, threshold

_SCOPE: Final = "holdfast"
# A failover makes all that it holds late: some of them tell all there is to tell.
LATE_PER_MINUTE: Final = 60


class MessageTracing:
    """The `Tracing` of the edge, on the SDK.

    Head sampling costs 0.1 µs for a message that is not drawn; the SDK's own sampler 3 µs.
    """

    def __init__(self, provider: TracerProvider, ratio: float) -> None:
        self._tracer = provider.get_tracer(_SCOPE)
        self._threshold = threshold(ratio)
        self._outages = Outages()
        self._late = Window(LATE_PER_MINUTE, MINUTE_S)

    def publish(self, client: str | None) -> PublishSpan | None:
        """Begin the trace of a message, if it is drawn."""
        if getrandbits(BITS) >= self._threshold:
            return None
        span = self._tracer.start_span(
            f"publish {ROOM}",
            context=parent_of(None),
            kind=SpanKind.PRODUCER,
            links=_links(client),
            attributes=PUBLISH,
        )
        return PublishSpan(self._tracer, span, self._outages)

    def late(self, seconds: float, code: str | None, client: str | None) -> str | None:
        """Record a publish of so long after the fact."""
        if self._late.spend(time.monotonic()):
            return None
        now = time.time_ns()
        began = now - int(seconds * 1e9)
        span = self._tracer.start_span(
            f"publish {ROOM}",
            context=parent_of(None),
            kind=SpanKind.PRODUCER,
            links=_links(client),
            attributes={**PUBLISH, "chat.trace.late": True},
            start_time=began,
        )
        if code is not None:
            mark_failed(span, code)
        self._outages.tell(span, began, now)
        span.end(now)
        return f"{span.get_span_context().trace_id:032x}"

    def deliver(self, traceparent: str, seq: int) -> DeliverySpan | None:
        """Begin with an event that this node has just heard; anybody could have written it."""
        context = context_of(valid_trace(traceparent))
        if context is None or not context.trace_flags.sampled:
            return None
        return DeliverySpan(self._tracer, context, seq)

    def handshake(self) -> HandshakeSpan:
        """Begin the span of a handshake."""
        return HandshakeSpan(self._tracer)

    def storage_changed(self, storage: Storage) -> None:
        """Remember when the storage is away, and why."""
        self._outages.turn(storage)


def _links(client: str | None) -> list[Link]:
    context = context_of(valid_trace(client))
    return [] if context is None else [Link(context)]
