"""What a message on its way tells to whoever traces it; how that is recorded is not known here.

A message that is not traced has None where a traced one has its `Trace`: that test is all it costs.
"""

from collections.abc import Sequence
from typing import Protocol


class Commit(Protocol):
    """One try to commit a batch in which traced messages are."""

    def end(self, error: str | None = None) -> None:
        """It is committed, or failed for this reason, in our own words; ending again is nothing."""
        ...


class Trace(Protocol):
    """A message on its way, from its frame to its acknowledgement."""

    @property
    def traceparent(self) -> str:
        """Its W3C context, to be stored with the event: other nodes carry on from it."""
        ...

    def commit(self, batch: Sequence["Trace"], messages: int, server: tuple[str, int]) -> Commit:
        """Begin to commit the batch it is in: all traced ones of it, how many in all, and where."""
        ...


class Written(Protocol):
    """What waits until the sockets have been written to; times are epoch nanoseconds."""

    def written(self, first_ns: int, last_ns: int) -> None:
        """The writes of this turn of the loop began and ended then."""
        ...


class Delivery(Written, Protocol):
    """A traced event on its way to this node's listeners."""

    @property
    def trace_id(self) -> str:
        """The trace, as 32 hexadecimal digits."""
        ...

    def framed(self, listeners: int) -> None:
        """It was handed to so many; 0: nobody is live here, so it is no delivery."""
        ...


class Deliveries(Protocol):
    """Traces what a node delivers."""

    def deliver(self, traceparent: str, seq: int) -> Delivery | None:
        """Begin with an event that this node has just heard; None if the context is none."""
        ...
