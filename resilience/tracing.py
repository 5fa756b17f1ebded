"""The group commit in the traces of the messages in it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from chat.tracing import Commit
from resilience.address import Address
from resilience.holding import Held
from resilience.link import LinkLost


@contextmanager
def traced(batch: Sequence[Held], server: Address) -> Iterator[Commit | None]:
    """Trace the block as a try to commit the batch, if a traced message is in it.

    The block ends the commit it is given, unless it fails: a lost link ends it by its reason.
    """
    traces = [held.draft.trace for held in batch if held.draft.trace is not None]
    if not traces:
        yield None
        return
    commit = traces[0].commit(traces, len(batch), server)
    try:
        yield commit
    except LinkLost as lost:
        commit.end(str(lost))
        raise
    except BaseException as error:
        commit.end(type(error).__name__)
        raise
