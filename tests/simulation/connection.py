"""A client's connection as the server sees it: commands in order, and a WAIT that blocks them."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from resilience.link import Command, ReplyError
from tests.simulation.network import Pipe

if TYPE_CHECKING:
    from tests.simulation.redis_node import RedisNode

BLOCKED: Final = object()
Answer = Callable[[list[Any]], None]


class Connection:
    """One client of a Redis; `written` is the offset that its WAIT is about."""

    def __init__(self, server: "RedisNode", back: Pipe, lost: Callable[[], None]) -> None:
        self.server = server
        self.back = back
        self._lost = lost
        self.written = 0
        self.channels: dict[str, None] = {}
        self.closed = False
        self.wait: tuple[int, int] | None = None  # the offset and the replicas it waits for
        self.push: Callable[[list[Any]], None] | None = None
        self._queue: deque[tuple[Sequence[Command], Answer]] = deque()
        self._replies: list[Any] = []
        self._timer: Any = None

    def take(self, commands: Sequence[Command], answer: Answer) -> None:
        """Carry commands out, after those before them."""
        if self.closed:
            return
        self._queue.append((commands, answer))
        if self.wait is None:
            self._work()

    def tell(self, commands: Sequence[Command]) -> None:
        """Carry commands out whose replies are pushes."""
        if not self.closed:
            for command in commands:
                self.server.attend(self, command)

    def _work(self) -> None:
        server = self.server
        while self._queue and not self.closed:
            commands, answer = self._queue[0]
            while len(self._replies) < len(commands):
                reply = server.execute(self, commands[len(self._replies)])
                if reply is BLOCKED:
                    server.settle()
                    return
                self._replies.append(reply)
            self._queue.popleft()
            replies, self._replies = self._replies, []
            server.answer(self, commands, replies, answer)
        server.settle()

    def block(self, offset: int, replicas: int, seconds: float) -> None:
        """Wait for so many replicas to have the offset."""
        self.wait = (offset, replicas)
        self._timer = self.server.network.loop.call_later(seconds, self._expire)
        self.server.waiting[self] = None

    def _expire(self) -> None:
        if self.wait is not None:
            self.server.host_do(self.unblock)

    def unblock(self) -> None:
        """Answer WAIT by how many have it."""
        if self.wait is not None:
            self._go_on(self.server.count(self.wait[0]))

    def unblock_by_error(self) -> None:
        """The server turns into a replica."""
        self._go_on(ReplyError("UNBLOCKED force unblock from blocking operation"))

    def _go_on(self, reply: Any) -> None:
        self.wait = None
        self._timer.cancel()
        self.server.waiting.pop(self, None)
        if not self.closed:
            self._replies.append(reply)
            self._work()

    def end(self) -> None:
        """The client is gone."""
        self.closed = True
        self._forget()

    def drop(self) -> None:
        """The server ends it, and the client hears so."""
        if not self.closed:
            self.end()
            self.back.send(self._lost)

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.wait = None
        self._queue.clear()
        self.server.forget(self)
