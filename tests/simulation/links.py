"""The engine's way to the model: the `Opener` and `Link` of production, without sockets."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from resilience.address import Address
from resilience.link import (
    Command,
    Link,
    LinkLost,
    LinkRefused,
    LinkTimeout,
    OnPush,
    Reply,
)
from tests.simulation.network import Host, Network, Pipe


class Session(Protocol):
    """The server's end of a link."""

    push: Callable[[list[Any]], None] | None

    def take(self, commands: Sequence[Command], answer: Callable[[list[Any]], None]) -> None: ...
    def tell(self, commands: Sequence[Command]) -> None: ...
    def end(self) -> None: ...


class Server(Protocol):
    """A process that takes connections."""

    alive: bool
    dark: bool

    def admit(self, back: Pipe, lost: Callable[[], None]) -> Session: ...


class ModelLink:
    """A `Link`: pipelines answered in order, closed by the first that takes too long."""

    def __init__(self, network: Network, home: Host, server: Any, on_push: OnPush | None) -> None:
        self.address: Address = server.address
        self._loop = network.loop
        self._server = server
        self._on_push = on_push
        self._out = network.pipe(home, server)
        self._back = network.pipe(server, home)
        self._session: Session | None = None
        self._lost: LinkLost | None = None
        self._waiting: deque[tuple[asyncio.Future[list[Reply]], Any]] = deque()
        self._opening: asyncio.Future[None] = self._loop.create_future()
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._number = network.pipes

    def __hash__(self) -> int:
        return self._number  # sets of links are the same in each run

    def __eq__(self, other: object) -> bool:
        return self is other

    @property
    def closed(self) -> bool:
        """Whether it is gone."""
        return self._lost is not None

    async def connect(self, timeout_s: float) -> None:
        """Shake hands with the kernel, and have the process answer once."""
        self._out.signal(self._arrive)
        try:
            async with asyncio.timeout(timeout_s):
                await self._opening
        except TimeoutError:
            self.close("never opened")
            raise LinkTimeout("no connection in time") from None
        except BaseException:
            self.close("never opened")
            raise

    def _arrive(self) -> None:
        if self._server.alive:
            self._server.take(self._admit, ())
        elif not self._server.dark:
            self._back.send(self._refuse)

    def _admit(self) -> None:
        self._session = self._server.admit(self._back, self._reset)
        self._session.push = self._push
        self._back.send(self._opened)

    def _opened(self) -> None:
        if not self._opening.done():
            self._opening.set_result(None)

    def _refuse(self) -> None:
        if not self._opening.done():
            self._opening.set_exception(LinkRefused("connection refused"))

    def pipeline(
        self, commands: Sequence[Command], timeout_s: float
    ) -> asyncio.Future[list[Reply]]:
        """Send the commands together."""
        future: asyncio.Future[list[Reply]] = self._loop.create_future()
        if self._lost is not None:
            future.set_exception(type(self._lost)(*self._lost.args))
            return future
        timer = self._loop.call_later(timeout_s, self._expire)
        self._waiting.append((future, timer))
        self._out.send(self._ask, commands)
        return future

    def _ask(self, commands: Sequence[Command]) -> None:
        if self._session is not None:
            self._session.take(commands, self._answer)

    def _answer(self, replies: list[Reply]) -> None:
        if self._lost is not None:
            return
        future, timer = self._waiting.popleft()
        timer.cancel()
        if not future.done():
            future.set_result(replies)

    def tell(self, commands: Sequence[Command]) -> None:
        """Send commands whose replies come as pushes."""
        if self._lost is None:
            self._out.send(self._attend, commands)

    def _attend(self, commands: Sequence[Command]) -> None:
        if self._session is not None:
            self._session.tell(commands)

    def _push(self, message: list[Any]) -> None:
        if self._lost is None and self._on_push is not None:
            self._on_push(message)

    def close(self, reason: str) -> None:
        """Close it now; what was sent before still arrives."""
        if self._lost is None:
            self._out.send(self._end)
            self._fail(LinkLost(reason))

    def _end(self) -> None:
        if self._session is not None:
            self._session.end()

    def _reset(self) -> None:
        self._fail(LinkLost("closed by the other side"))

    def _expire(self) -> None:
        if self._lost is None:
            self._out.send(self._end)
            self._fail(LinkTimeout("no answer in time"))

    def _fail(self, error: LinkLost) -> None:
        if self._lost is not None:
            return
        self._lost = error
        if not self._opening.done():
            self._opening.set_exception(error)
            self._opening.exception()
        self._loop.call_soon(self._leave)
        waiting, self._waiting = self._waiting, deque()
        for future, timer in waiting:
            timer.cancel()
            if not future.done():
                future.set_exception(type(error)(*error.args))

    def _leave(self) -> None:
        if not self._gone.done():
            self._gone.set_result(None)

    async def ended(self, timeout_s: float | None = None) -> None:
        """Return when it is gone, or after so long."""
        await asyncio.wait({self._gone}, timeout=timeout_s)


class ModelOpener:
    """An `Opener` from one process; once that is dead, nothing of it reaches anybody."""

    def __init__(self, network: Network, home: Host, servers: Mapping[Address, Any]) -> None:
        self._network = network
        self._home = home
        self._servers = servers
        self._links: list[ModelLink] = []

    async def open(
        self, address: Address, *, timeout_s: float, on_push: OnPush | None = None
    ) -> Link:
        """Connect, or raise `LinkLost`."""
        server = self._servers.get(address)
        if server is None:
            raise LinkRefused("nobody has that address")
        link = ModelLink(self._network, self._home, server, on_push)
        self._links = [known for known in self._links if not known.closed]
        self._links.append(link)
        await link.connect(timeout_s)
        return link

    def abandon(self) -> None:
        """The process is gone: its kernel closes everything."""
        for link in self._links:
            link.close("the process is gone")
