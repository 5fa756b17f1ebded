"""The spans of the node that a message came to: its publish, and the group commit."""

import time
from collections.abc import Sequence

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from chat.log import Receipt
from chat.tracing import Trace
from server import conventions, otlp
from server.contexts import child_of, fresh
from server.message_spans import MessageSpan, Take
from server.outages import Outages, Turn


class PublishSpan(MessageSpan):
    """From a frame decoded to its answer written; `client` is a valid traceparent to link to."""

    __slots__ = (
        "_began",
        "_client",
        "_code",
        "_dup",
        "_ended",
        "_outages",
        "_seq",
        "_take",
        "_turns",
        "traceparent",
    )

    def __init__(self, take: Take, outages: Outages, client: str | None) -> None:
        self._take = take
        self._outages = outages
        self._client = client
        self._seq = 0
        self._dup = False
        self._code: str | None = None
        self._turns: Sequence[Turn] = ()
        self.traceparent = fresh()
        self._began = time.time_ns()
        self._ended = 0

    @property
    def trace_id(self) -> str:
        """The trace, as 32 hexadecimal digits."""
        return self.traceparent[3:35]

    def commit(
        self, batch: Sequence[Trace], messages: int, server: tuple[str, int]
    ) -> "CommitSpan":
        """Begin the span of a group commit; it links to every traced message in the batch."""
        links = [trace.traceparent for trace in batch]
        return CommitSpan(self._take, self.traceparent, links, messages, server)

    def settled(self, receipt: Receipt) -> None:
        """It has its place."""
        self._seq = receipt.seq
        self._dup = receipt.dup

    def failed(self, code: str) -> None:
        """It is refused."""
        self._code = code

    def written(self, first_ns: int, last_ns: int) -> None:  # noqa: ARG002 - ends with the turn
        """Its answer was among what was written."""
        self._end(last_ns)

    def end(self) -> None:
        """Its answer leaves now."""
        self._end(time.time_ns())

    def _end(self, at_ns: int) -> None:
        self._ended = at_ns
        self._turns = self._outages.between(self._began, at_ns)
        self._take(self)

    def encode(self, span: Span) -> None:
        """Fill in a root that links to the client's own span."""
        span.CopyFrom(conventions.PUBLISH_SPAN)
        otlp.place(span, self.traceparent, self._began, self._ended)
        if self._client is not None:
            otlp.link(span, self._client, otlp.REMOTE)
        if self._seq:
            otlp.say(span, conventions.ID, str(self._seq))
        if self._dup:
            otlp.say(span, "chat.message.duplicate", value=True)
        if self._code is not None:
            otlp.fail(span, self._code)
        for turn in self._turns:
            otlp.happen(span, turn.name, turn.at, turn.says)


class CommitSpan(MessageSpan):
    """One try to commit a batch."""

    __slots__ = (
        "_batch",
        "_began",
        "_ended",
        "_error",
        "_messages",
        "_publish",
        "_server",
        "_take",
    )

    def __init__(
        self,
        take: Take,
        publish: str,
        batch: Sequence[str],
        messages: int,
        server: tuple[str, int],
    ) -> None:
        self._take = take
        self._publish = publish
        self._batch = batch
        self._messages = messages
        self._server = server
        self._error: str | None = None
        self._began = time.time_ns()
        self._ended = 0

    def end(self, error: str | None = None) -> None:
        """It is committed, or failed; ending again is nothing."""
        if not self._ended:
            self._ended = time.time_ns()
            self._error = error
            self._take(self)

    def encode(self, span: Span) -> None:
        """Fill in a child of the first message's span, that links to all of them."""
        span.CopyFrom(conventions.COMMIT_SPAN)
        otlp.place(span, child_of(self._publish), self._began, self._ended)
        otlp.descend(span, self._publish, otlp.OURS)
        for traceparent in self._batch:
            otlp.link(span, traceparent, otlp.OURS)
        otlp.say(span, "db.operation.batch.size", self._messages)
        otlp.say(span, "server.address", self._server[0])
        otlp.say(span, "server.port", self._server[1])
        if self._error is not None:
            otlp.fail(span, "not_committed", self._error)
