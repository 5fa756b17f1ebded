"""Signals in memory: to the one node there is, at once."""

from collections.abc import Collection

from chat.engine import Listener


class MemorySignals:
    """The `Signals` of a single node; `followed` are the rooms that it hears."""

    def __init__(self, listener: Listener, followed: Collection[str]) -> None:
        self._listener = listener
        self._followed = followed

    def send(self, room: str, payload: bytes) -> None:
        """Hand a frame to the listener, if the room is followed."""
        if room in self._followed:
            self._listener.signalled(room, payload)
