"""A TCP proxy in front of one process: every connection goes by the edge of its caller."""

import asyncio
import contextlib
import select
import socket
import struct
from collections.abc import Callable
from typing import Final

from deploy.local.callers import Address
from deploy.local.edge import Edge, Lane
from deploy.local.ports import LOOPBACK, Port

_CHUNK: Final = 1 << 16  # bytes of one read
_UNDER_WAY: Final = 64  # reads of one lane that may wait: 4 MiB, more than sockets buffer
_BACKLOG: Final = 512
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: close by RST

Packet = tuple[float, bytes | OSError]  # when it arrives (loop time), what; b"" is the end


class Door:
    """Listens at one port on behalf of a process that listens at another.

    `edge` finds the edge of a caller by the address it calls from, None if it is gone again. Like
    the process it stands for, a shut door refuses connections; open ones go on until they end.
    """

    def __init__(self, port: Port, target: int, edge: Callable[[Address], Edge | None]) -> None:
        self.port = port.number
        self._target = target
        self._edge = edge
        self._listener: socket.socket | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen; an open door stays open."""
        if self._listener is None:
            listener = socket.create_server((LOOPBACK, self.port), backlog=_BACKLOG)
            listener.settimeout(0)
            # Not `sock_accept`: cancelled as somebody comes, it loses their socket.
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)
            self._listener = listener

    async def shut(self) -> None:
        """Refuse whoever comes; a shut door stays shut."""
        if self._listener is not None:
            listener, self._listener = self._listener, None
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()

    async def close(self) -> None:
        """Shut the door and reset what goes through it."""
        await self.shut()
        await asyncio.gather(*(_end(connection) for connection in list(self._connections)))

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):  # gone again
            caller, address = listener.accept()
            caller.settimeout(0)
            self._admit(caller, address)

    def _admit(self, caller: socket.socket, address: Address) -> None:
        edge = self._edge(address)
        if edge is None or edge.refusing:
            if edge:
                edge.refused += 1
            reset(caller)
            return
        connection = asyncio.create_task(carry(caller, self._target, edge))
        for owner in (self._connections, edge.connections):
            owner.add(connection)
            connection.add_done_callback(owner.discard)


async def carry(caller: socket.socket, target: int, edge: Edge) -> None:
    """Pass one connection on until both ends have closed it; any other end resets both."""
    other = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    other.settimeout(0)
    try:
        await edge.passable()
        if has_left(caller):  # while nothing went through: the target never hears of it
            return
        await asyncio.get_running_loop().sock_connect(other, (LOOPBACK, target))
        edge.opened += 1
        async with asyncio.TaskGroup() as ways:
            ways.create_task(pass_on(caller, other, edge.forward))
            ways.create_task(pass_on(other, caller, edge.back))
    except* OSError:
        pass
    else:
        caller.close()
        other.close()
    finally:
        reset(caller)
        reset(other)


async def pass_on(source: socket.socket, sink: socket.socket, lane: Lane) -> None:
    """Carry one direction; ends with the source's end, raises OSError if either breaks."""
    for end in (source, sink):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    under_way: asyncio.Queue[Packet] = asyncio.Queue(_UNDER_WAY)
    async with asyncio.TaskGroup() as halves:
        halves.create_task(take_in(source, lane, under_way))
        halves.create_task(give_out(sink, lane, under_way))


async def take_in(source: socket.socket, lane: Lane, under_way: asyncio.Queue[Packet]) -> None:
    loop = asyncio.get_running_loop()
    piece: bytes | OSError = b"-"
    while piece and not isinstance(piece, OSError):
        try:
            piece = await loop.sock_recv(source, _CHUNK)
            lane.received += len(piece)
        except OSError as error:
            piece = error  # a reset travels like data: a stall withholds it, too
        await under_way.put((loop.time() + lane.latency, piece))


async def give_out(sink: socket.socket, lane: Lane, under_way: asyncio.Queue[Packet]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        arrival, piece = await under_way.get()
        if (rest := arrival - loop.time()) > 0:
            await asyncio.sleep(rest)
        await lane.passable()
        if isinstance(piece, OSError):
            raise piece
        if not piece:
            sink.shutdown(socket.SHUT_WR)
            return
        await write(sink, piece, lane)


async def write(sink: socket.socket, piece: bytes, lane: Lane) -> None:
    loop = asyncio.get_running_loop()
    size = lane.slice
    for start in range(0, len(piece), size):
        part = piece[start : start + size]
        await loop.sock_sendall(sink, part)
        lane.passed += len(part)
        if len(part) < len(piece):
            await asyncio.sleep(0)  # or the next slice shares the packet


def has_left(caller: socket.socket) -> bool:
    """Say whether the caller closed its end meanwhile, whatever it had sent before."""
    poll = select.poll()
    poll.register(caller, select.POLLRDHUP)
    return bool(poll.poll(0))


def reset(end: socket.socket) -> None:
    """Close by RST; a closed socket is left alone."""
    if end.fileno() >= 0:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        end.close()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
