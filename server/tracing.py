"""What is traced: one message in a hundred, drawn before the SDK is touched, and the late ones."""

import time
from random import getrandbits
from typing import Final

from opentelemetry.trace import TracerProvider

from chat.engine import Storage
from chat.limits import MINUTE_S
from chat.publishing import valid_trace
from chat.rate import Window
from server.contexts import is_sampled
from server.delivery_spans import DeliverySpan
from server.message_spans import Take
from server.otlp import SCOPE
from server.outages import Outages
from server.publish_spans import PublishSpan
from server.rare_spans import HandshakeSpan, record_late
from server.sampling import BITS, threshold

# A failover makes all that it holds late: some of them tell all there is to tell.
LATE_PER_MINUTE: Final = 60


class MessageTracing:
    """The `Tracing` of the edge.

    Head sampling costs 0.1 µs for a message that is not drawn; the SDK's own sampler 3 µs.
    """

    def __init__(self, provider: TracerProvider, take: Take, ratio: float) -> None:
        """`take` is handed messages' spans that are over; the provider records rare ones."""
        self._tracer = provider.get_tracer(SCOPE)
        self._take = take
        self._threshold = threshold(ratio)
        self._outages = Outages()
        self._late = Window(LATE_PER_MINUTE, MINUTE_S)

    def publish(self, client: str | None) -> PublishSpan | None:
        """Begin the trace of a message, if it is drawn."""
        if getrandbits(BITS) >= self._threshold:
            return None
        return PublishSpan(self._take, self._outages, client and valid_trace(client))

    def late(self, seconds: float, code: str | None, client: str | None) -> str | None:
        """Record a publish of so long after the fact."""
        if self._late.spend(time.monotonic()):
            return None
        now = time.time_ns()
        began = now - int(seconds * 1e9)
        turns = self._outages.between(began, now)
        return record_late(self._tracer, began, now, code, valid_trace(client), turns)

    def deliver(self, traceparent: str, seq: int) -> DeliverySpan | None:
        """Begin with an event that this node has just heard; anybody could have written it."""
        parent = valid_trace(traceparent)
        if parent is None or not is_sampled(parent):
            return None
        return DeliverySpan(self._take, parent, seq)

    def handshake(self) -> HandshakeSpan:
        """Begin the span of a handshake."""
        return HandshakeSpan(self._tracer)

    def storage_changed(self, storage: Storage) -> None:
        """Remember when the storage is away, and why."""
        self._outages.turn(storage)
