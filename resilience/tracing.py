"""The group commit in the traces of the messages in it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from resilience.generation import Generation
from resilience.holding import Held
from resilience.link import LinkLost


@contextmanager
def traced(batch: Sequence[Held], generation: Generation) -> Iterator[None]:
    """Trace the block as a try to commit the batch, if a traced message is in it.

    What is not answered at its end was not committed; a lost link is told by its reason.
    """
    traces = [held.draft.trace for held in batch if held.draft.trace is not None]
    if not traces:
        yield
        return
    commit = traces[0].commit(traces, len(batch), generation.address)
    try:
        yield
    except LinkLost as lost:
        commit.end(str(lost))
        raise
    except BaseException as error:
        commit.end(type(error).__name__)
        raise
    if all(held.answered for held in batch):
        commit.end()
    else:
        commit.end(generation.stalled(0.0) or "refused")
