"""The group commit in the traces of the messages in it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from chat.tracing import Commit
from resilience.generation import Generation
from resilience.holding import Held
from resilience.link import LinkLost


@contextmanager
def traced(batch: Sequence[Held], generation: Generation) -> Iterator[Commit | None]:
    """Trace the block as a try to commit the batch, if a traced message is in it.

    The block ends the commit it is given; one that is still open after it has failed, a lost
    link by its reason.
    """
    traces = [held.draft.trace for held in batch if held.draft.trace is not None]
    if not traces:
        yield None
        return
    commit = traces[0].commit(traces, len(batch), generation.address)
    try:
        yield commit
    except LinkLost as lost:
        commit.end(str(lost))
        raise
    except BaseException as error:
        commit.end(type(error).__name__)
        raise
    commit.end(generation.stalled(0.0) or "refused")
