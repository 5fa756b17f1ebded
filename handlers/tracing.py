"""What the edge tells to whoever traces messages, if anybody does."""

import asyncio
import time
from typing import Final, Protocol

from chat.engine import Storage
from chat.errors import Refusal
from chat.log import Receipt
from chat.tracing import Deliveries, Trace, Written
from handlers.statistics import EdgeStatistics

SLOW_S: Final = 1.0  # a publish of which users ask why: a hundred times what is usual
_OURS: Final = frozenset({"unavailable", "internal"})  # other refusals are the client's affair


class PublishTrace(Trace, Written, Protocol):
    """The span of a publish; it ends when its answer is written, or by `end`."""

    @property
    def trace_id(self) -> str:
        """The trace, as 32 hexadecimal digits."""
        ...

    def settled(self, receipt: Receipt) -> None:
        """It has its place."""
        ...

    def failed(self, code: str) -> None:
        """It is refused by this code."""
        ...

    def end(self) -> None:
        """The answer leaves now."""
        ...


class HandshakeTrace(Protocol):
    """The span of a WebSocket handshake: it is not as long as the socket."""

    def end(self, status: int) -> None:
        """It was answered by this status; ending again is nothing."""
        ...


class Tracing(Deliveries, Protocol):
    """Decides what is traced, and records it."""

    def publish(self, client: str | None) -> PublishTrace | None:
        """Begin the trace of a message, if it is drawn; the client's own context is linked."""
        ...

    def late(self, seconds: float, code: str | None, client: str | None) -> str | None:
        """Record a publish of so long, that was not drawn, after the fact; return the trace id.

        `code` is the refusal's, if it was one. None: there are too many of them now.
        """
        ...

    def handshake(self) -> HandshakeTrace:
        """Begin the span of a handshake."""
        ...

    def storage_changed(self, storage: Storage) -> None:
        """The storage went into another phase: what is held from now on is held for that."""
        ...


def answered(
    tracing: Tracing | None,
    statistics: EdgeStatistics,
    trace: PublishTrace | None,
    outcome: Receipt | BaseException,
    client: str | None,
    *,
    seconds: float,
) -> None:
    """Count an ack that took so long, and tell whoever traces it how the publish ended."""
    acked = isinstance(outcome, Receipt)
    if acked:
        statistics.acks.record(seconds)
        if trace is None and seconds < SLOW_S:
            return  # as most are
    trace_id = _conclude(tracing, trace, outcome, client, seconds=seconds)
    if acked and trace_id is not None:
        statistics.acks.exemplify(seconds, trace_id, time.time())


def _conclude(
    tracing: Tracing | None,
    trace: PublishTrace | None,
    outcome: Receipt | BaseException,
    client: str | None,
    *,
    seconds: float,
) -> str | None:
    """Tell the trace how a publish ended, or record the slow and the failed after the fact.

    Returns the id of the trace, if there is one.
    """
    code = None if isinstance(outcome, Receipt) else code_of(outcome)
    if trace is not None:
        if isinstance(outcome, Receipt):
            trace.settled(outcome)
        else:
            trace.failed(code or "")
        return trace.trace_id
    if tracing is not None and (seconds >= SLOW_S or code in _OURS):
        return tracing.late(seconds, code, client)
    return None


def code_of(error: BaseException) -> str:
    """Return the code of what went wrong; giving up the wait is a storage too slow."""
    if isinstance(error, Refusal):
        return error.code
    return "unavailable" if isinstance(error, asyncio.CancelledError) else "internal"
