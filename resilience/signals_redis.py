"""Signals on Redis: here at once, to the other nodes by the room's channel, never kept."""

from collections.abc import Callable

from chat.engine import Listener
from resilience import channel, keys
from resilience.courier import Courier


class RedisSignals:
    """The `Signals` of a node among others."""

    def __init__(
        self, node: str, listener: Listener, courier: Courier, hears: Callable[[str], bool]
    ) -> None:
        self._node = node
        self._listener = listener
        self._courier = courier
        self._hears = hears
        self.skipped = 0

    def send(self, room: str, payload: bytes) -> None:
        """Hand a frame to the listeners of all nodes."""
        if self._hears(room):
            self._listener.signalled(room, payload)
        news = channel.encode(channel.Signal(self._node, payload))
        self._courier.tell(("PUBLISH", keys.channel(room), news))

    def hear(self, room: str, news: channel.Signal) -> None:
        """Take in a frame of another node."""
        if news.node == self._node:
            return
        if channel.is_signal(room, news.payload):
            self._listener.signalled(room, news.payload)
        else:
            self.skipped += 1
