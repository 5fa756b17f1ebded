"""The span of a node that delivers a message."""

import time

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server import conventions, otlp
from server.contexts import child_of
from server.message_spans import MessageSpan, Take


class DeliverySpan(MessageSpan):
    """From an event heard to the last socket written on this node."""

    __slots__ = ("_began", "_first", "_last", "_listeners", "_publish", "_seq", "_take")

    def __init__(self, take: Take, publish: str, seq: int) -> None:
        self._take = take
        self._publish = publish
        self._seq = seq
        self._listeners = 0
        self._began = time.time_ns()
        self._first = self._last = 0

    @property
    def trace_id(self) -> str:
        """The trace, as 32 hexadecimal digits."""
        return self._publish[3:35]

    def framed(self, listeners: int) -> None:
        """Note the fan-out; a span without listeners is never ended, and so never exported."""
        self._listeners = listeners

    def written(self, first_ns: int, last_ns: int) -> None:
        """Its turn's writes began and ended."""
        self._first, self._last = first_ns, last_ns
        self._take(self)

    def encode(self, span: Span) -> None:
        """Fill in a child of the publish, that links to it too."""
        span.CopyFrom(conventions.PROCESS_SPAN)
        otlp.place(span, child_of(self._publish), self._began, self._last)
        otlp.descend(span, self._publish, otlp.REMOTE)
        otlp.link(span, self._publish, otlp.REMOTE)
        otlp.say(span, conventions.ID, str(self._seq))
        otlp.say(span, "chat.fanout.size", self._listeners)
        otlp.happen(span, "first_write", self._first)
        otlp.happen(span, "last_write", self._last)
