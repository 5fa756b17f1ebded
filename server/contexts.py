"""W3C trace contexts as text and as the SDK has them."""

from random import getrandbits
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.propagation import set_span_in_context

_EMPTY: Final = Context()


def fresh() -> str:
    """Return the context of a new trace, sampled; by random ids, that must not be 0."""
    return f"00-{getrandbits(128) or 1:032x}-{getrandbits(64) or 1:016x}-01"


def child_of(traceparent: str) -> str:
    """Return the context of a new span in the same trace."""
    return f"{traceparent[:36]}{getrandbits(64) or 1:016x}-01"


def is_sampled(traceparent: str) -> bool:
    """Tell whether a valid context is sampled: a bit, among others that are not ours."""
    return bool(int(traceparent[-2:], 16) & TraceFlags.SAMPLED)


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
