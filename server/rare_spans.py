"""Spans that are rare enough to be the SDK's: a handshake, and a publish after the fact."""

from collections.abc import Sequence
from typing import Final

from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer

from server.contexts import context_of, parent_of
from server.conventions import PUBLISH, ROOM
from server.outages import Turn

_CODE: Final = "error.type"


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
                _fail(self._span, str(status))
            self._span.end()


def record_late(
    tracer: Tracer,
    began: int,
    ended: int,
    code: str | None,
    client: str | None,
    turns: Sequence[Turn],
) -> str:
    """Record a publish that was not drawn, times in epoch nanoseconds; return its trace id."""
    context = context_of(client)
    span = tracer.start_span(
        f"publish {ROOM}",
        context=parent_of(None),
        kind=SpanKind.PRODUCER,
        links=[] if context is None else [Link(context)],
        attributes={**PUBLISH, "chat.trace.late": True},
        start_time=began,
    )
    if code is not None:
        _fail(span, code)
    for turn in turns:
        span.add_event(turn.name, turn.says, timestamp=turn.at)
    span.end(ended)
    return f"{span.get_span_context().trace_id:032x}"


def _fail(span: Span, code: str) -> None:
    """Say that it failed, by a code."""
    span.set_attribute(_CODE, code)
    span.set_status(Status(StatusCode.ERROR, code))
