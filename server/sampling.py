"""Which spans are recorded: drawn by ratio, whatever a client's own context says."""

from collections.abc import Sequence
from random import getrandbits
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

BITS: Final = 32


def threshold(ratio: float) -> int:
    """Return below which number of `BITS` random bits a ratio lies."""
    return round(ratio * (1 << BITS))


class EdgeSampler(Sampler):
    """Draws requests; everything else was drawn before it came to the SDK.

    A client chooses its trace id and its sampled flag, so neither decides: who floods us with
    sampled requests gets the ratio like everyone else.
    """

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._threshold = threshold(ratio)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,  # noqa: ARG002 - the signature is the SDK's, here and below
        name: str,  # noqa: ARG002
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide over one span."""
        parent = get_current_span(parent_context).get_span_context()
        if parent.is_valid and not parent.is_remote:
            sampled = parent.trace_flags.sampled
        else:
            sampled = kind is not SpanKind.SERVER or getrandbits(BITS) < self._threshold
        decision = Decision.RECORD_AND_SAMPLE if sampled else Decision.DROP
        return SamplingResult(decision, attributes if sampled else None, trace_state)

    def get_description(self) -> str:
        """Name the sampler."""
        return f"EdgeSampler{{{self._ratio:g}}}"
