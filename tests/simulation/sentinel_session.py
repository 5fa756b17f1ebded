"""A client's connection to a sentinel: questions answered, events heard."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from resilience.link import Command
from tests.simulation.network import Pipe

if TYPE_CHECKING:
    from tests.simulation.sentinels import Sentinel


class SentinelSession:
    """One client of a sentinel."""

    def __init__(self, sentinel: "Sentinel", back: Pipe, lost: Callable[[], None]) -> None:
        self._sentinel = sentinel
        self._back = back
        self._lost = lost
        self._events: set[str] = set()
        self.push: Callable[[list[Any]], None] | None = None

    def take(self, commands: Sequence[Command], answer: Callable[[list[Any]], None]) -> None:
        """Answer questions."""
        self._back.send(answer, [self._sentinel.execute(command) for command in commands])

    def tell(self, commands: Sequence[Command]) -> None:
        """Subscribe, or answer a ping."""
        for command in commands:
            if command[0] == "SUBSCRIBE":
                self._events.update(map(str, command[1:]))
                self._say([b"subscribe", b"", len(self._events)])
            else:
                self._say([b"pong", b""])

    def hear(self, event: str, said: str) -> None:
        """Pass an event on."""
        if event in self._events:
            self._say([b"message", event.encode(), said.encode()])

    def _say(self, message: list[Any]) -> None:
        if self.push is not None:
            self._back.send(self.push, message)

    def end(self) -> None:
        """The client is gone."""
        self._sentinel.sessions.pop(self, None)

    def drop(self) -> None:
        """The sentinel is gone."""
        self.end()
        self._back.send(self._lost)
