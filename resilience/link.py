"""One connection to Redis or Sentinel: pipelines of commands with a deadline, and pushes."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeAlias, cast

import hiredis

from resilience.address import Address

Command: TypeAlias = tuple[bytes | str | int, ...]
Reply: TypeAlias = Any  # int, bytes, None, a list of replies, or a ReplyError
ReplyError = hiredis.ReplyError
OnPush: TypeAlias = Callable[[list[Any]], None]

# The stubs say a tuple of one element.
_pack: Final[Callable[[Command], bytes]] = hiredis.pack_command  # type: ignore[assignment]
_READ_LIMIT: Final = 512 * 1024 * 1024  # of one reply: what Redis itself allows a string


class LinkLost(ConnectionError):
    """The connection is gone; what became of the commands without a reply is unknown."""


class LinkRefused(LinkLost):
    """Nobody listens there: the process is not running."""


class LinkTimeout(LinkLost):
    """No answer in time: hung, cut off, or very slow."""


class Link(Protocol):
    """A connection that answers in order; once closed it stays closed."""

    address: Address

    @property
    def closed(self) -> bool:
        """Whether it is gone."""
        ...

    def pipeline(
        self, commands: Sequence[Command], timeout_s: float
    ) -> asyncio.Future[list[Reply]]:
        """Send the commands together; the future is their replies, or raises `LinkLost`.

        Errors of single commands are replies. No reply in time closes the link: a late one
        could not be told from the next.
        """
        ...

    def tell(self, commands: Sequence[Command]) -> None:
        """Send commands whose replies come as pushes (SUBSCRIBE, and PING among pushes)."""
        ...

    def close(self, reason: str) -> None:
        """Close it now; pipelines under way raise `LinkLost`."""
        ...

    async def ended(self, timeout_s: float | None = None) -> None:
        """Return when it is gone, or after so long."""
        ...


class Opener(Protocol):
    """Opens links; the one way by which anything here reaches a server."""

    async def open(
        self, address: Address, *, timeout_s: float, on_push: OnPush | None = None
    ) -> Link:
        """Connect and log in, or raise `LinkLost`."""
        ...


class _Pipeline:
    __slots__ = ("future", "missing", "replies", "timer")

    def __init__(self, missing: int, future: asyncio.Future[list[Reply]]) -> None:
        self.missing = missing
        self.future = future
        self.replies: list[Reply] = []
        self.timer: asyncio.TimerHandle | None = None


class TcpLink(asyncio.Protocol):
    """A `Link` over TCP or TLS, parsed by hiredis; half the cost of a stream reader and writer."""

    def __init__(self, address: Address, on_push: OnPush | None) -> None:
        self.address = address
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._reader.setmaxbuf(_READ_LIMIT)
        self._waiting: deque[_Pipeline] = deque()
        self._on_push = on_push
        self._transport: asyncio.WriteTransport | None = None
        self._lost: LinkLost | None = None
        self._gone = self._loop.create_future()

    @property
    def closed(self) -> bool:
        """Whether it is gone."""
        return self._lost is not None

    def pipeline(
        self, commands: Sequence[Command], timeout_s: float
    ) -> asyncio.Future[list[Reply]]:
        """Send the commands together."""
        future: asyncio.Future[list[Reply]] = self._loop.create_future()
        if self._lost is not None or self._transport is None:
            future.set_exception(self._lost or LinkLost("not connected"))
            return future
        if not commands:  # as when all that a lane took had been given up meanwhile
            future.set_result([])
            return future
        pipeline = _Pipeline(len(commands), future)
        pipeline.timer = self._loop.call_later(timeout_s, self._expire)
        self._waiting.append(pipeline)
        self._transport.write(b"".join(map(_pack, commands)))
        return future

    def tell(self, commands: Sequence[Command]) -> None:
        """Send commands whose replies come as pushes."""
        if self._transport is not None and self._lost is None:
            self._transport.write(b"".join(map(_pack, commands)))

    def close(self, reason: str) -> None:
        """Close it now."""
        self._fail(LinkLost(reason))

    async def ended(self, timeout_s: float | None = None) -> None:
        """Return when it is gone, or after so long."""
        await asyncio.wait({self._gone}, timeout=timeout_s)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (asyncio calls this)."""
        # uvloop's transports are no subclasses of asyncio's.
        transport = cast("asyncio.Transport", transport)
        self._transport = transport
        if self._gone.done():
            self._gone = self._loop.create_future()
        if self._lost is not None:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand every complete reply to whom it is for (asyncio calls this)."""
        if self._lost is not None:
            return
        reader = self._reader
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not False:
                self._take(reply)
        except hiredis.ProtocolError:
            self._fail(LinkLost("not the Redis protocol"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is under way (asyncio calls this)."""
        self._fail(LinkLost(type(exc).__name__ if exc else "closed by the other side"))
        if not self._gone.done():
            self._gone.set_result(None)

    def _take(self, reply: Reply) -> None:
        if not self._waiting:
            self._push(reply)
            return
        pipeline = self._waiting[0]
        pipeline.replies.append(reply)
        pipeline.missing -= 1
        if not pipeline.missing:
            self._waiting.popleft()
            if pipeline.timer is not None:
                pipeline.timer.cancel()
            if not pipeline.future.done():
                pipeline.future.set_result(pipeline.replies)

    def _push(self, reply: Reply) -> None:
        if self._on_push is None:
            self._fail(LinkLost("a reply that nobody asked for"))
        elif isinstance(reply, list):
            self._on_push(reply)
        else:
            self._fail(LinkLost("an error among the pushes"))

    def _expire(self) -> None:
        self._fail(LinkTimeout("no answer in time"))

    def _fail(self, error: LinkLost) -> None:
        if self._lost is not None:
            return
        self._lost = error
        if self._transport is not None:
            self._transport.abort()
        elif not self._gone.done():
            self._gone.set_result(None)
        waiting, self._waiting = self._waiting, deque()
        for pipeline in waiting:
            if pipeline.timer is not None:
                pipeline.timer.cancel()
            if not pipeline.future.done():
                pipeline.future.set_exception(type(error)(*error.args))
