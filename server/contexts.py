"""W3C trace contexts as text and as the SDK has them."""

from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.propagation import set_span_in_context

_EMPTY: Final = Context()
_SAMPLED: Final = TraceFlags.SAMPLED


def traceparent_of(context: SpanContext) -> str:
    """Return the context as it is stored; of the flags only the sampled one, which is ours."""
    flags = int(context.trace_flags) & _SAMPLED
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}"


def context_of(traceparent: str | None) -> SpanContext | None:
    """Return the context of a valid text (chat/publishing.py looks at that); None of None."""
    if traceparent is None:
        return None
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(
        int(trace_id, 16),
        int(span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(flags, 16)),
    )


def parent_of(context: SpanContext | None) -> Context:
    """Return the context in which a span is a child of this one; None: it is a root.

    Never what is current: a message is no part of the request or task that happens to run.
    """
    return _EMPTY if context is None else set_span_in_context(NonRecordingSpan(context), _EMPTY)
