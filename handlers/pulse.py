"""The pulse: how late the event loop wakes, four times a second."""

import asyncio
from typing import Final

from handlers.node import Node

BEAT_S: Final = 0.25


class Pulse:
    """Measures what stalls everybody: a callback too long, a machine too busy."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            due = self._node.now() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self._node.vitals.woke(max(0.0, self._node.now() - due))
