"""Messages' spans on the loop's side: gathered, and handed to the exporter's queue together.

The way into the queue is ten calls of the SDK's and ours: 13 µs for one span in between other
work, because the processor has forgotten that code by then, and 3 for each of many in a row.
"""

import asyncio
from typing import Final

from server.message_spans import MessageSpan, Take

GATHER_S: Final = 0.5  # an export is every five seconds
MOST: Final = 64  # handed on at once: by then the code is remembered


class Gathering:
    """Takes spans from the loop's thread."""

    def __init__(self, hand_on: Take) -> None:
        self._hand_on = hand_on
        self._spans: list[MessageSpan] = []
        self._timer: asyncio.TimerHandle | None = None

    def take(self, span: MessageSpan) -> None:
        """Hand a span on, within half a second."""
        self._spans.append(span)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self.flush)
        elif len(self._spans) >= MOST:
            self.flush()

    def flush(self) -> None:
        """Hand on what there is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        spans, self._spans = self._spans, []
        for span in spans:
            self._hand_on(span)
