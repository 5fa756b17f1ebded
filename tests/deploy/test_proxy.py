"""A door and its edge: what passes, what is withheld, what is reset, and how it is counted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from deploy.local.edge import Edge
from deploy.local.ports import LOOPBACK, Port
from deploy.local.proxy import Door
from deploy.local.waiting import until

# Seconds within which loopback answers, and after which it does not mean to.
SOON, SILENCE = 5.0, 0.2
BIG = 8 << 20  # more than all buffers on the way hold


class Way:
    """An echo behind a door, and what is on its edge."""

    def __init__(self, door: Door, edge: Edge) -> None:
        self.door = door
        self.edge = edge
        self.heard: list[bytes] = []  # what each connection of the target read, piece by piece
        self.left = 0  # connections whose end the target saw
        self._writers: list[asyncio.StreamWriter] = []

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(1 << 16):
                self.heard.append(piece)
                writer.write(piece)
                await writer.drain()
        self.left += 1
        writer.close()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(LOOPBACK, self.door.port)
        self._writers.append(writer)
        return reader, writer

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@pytest.fixture
async def way() -> AsyncIterator[Way]:
    edge = Edge("test", "echo")
    with Port() as front, Port() as back:
        door = Door(front, back.number, lambda _: edge)
        way = Way(door, edge)
        server = await asyncio.start_server(way.echo, LOOPBACK, back.number)
        await door.open()
        yield way
        await way.close()
        await door.close()
        server.close()
        await server.wait_closed()


async def hears(reader: asyncio.StreamReader, size: int = 1, deadline: float = SOON) -> bytes:
    async with asyncio.timeout(deadline):
        return await reader.readexactly(size)


async def is_silent(reader: asyncio.StreamReader) -> bool:
    try:
        await hears(reader, deadline=SILENCE)
    except TimeoutError:
        return True
    return False


async def test_a_whole_edge_passes_and_counts(way: Way) -> None:
    """What goes in comes out, each byte is counted in its direction, the connection once."""
    reader, writer = await way.connect()
    sent = bytes(range(256)) * (BIG // 256)
    writer.write(sent)
    assert await hears(reader, BIG) == sent
    lanes = way.edge.lanes
    assert [(lane.received, lane.passed, lane.withheld) for lane in lanes] == [(BIG, BIG, 0)] * 2
    assert (way.edge.opened, way.edge.refused, way.edge.dropped) == (1, 0, 0)


async def test_an_end_is_passed_on_in_one_direction(way: Way) -> None:
    """A caller that has said all still hears the rest, and then the target's end."""
    reader, writer = await way.connect()
    writer.write(b"last words")
    writer.write_eof()
    async with asyncio.timeout(SOON):
        assert await reader.read() == b"last words"
    assert way.left == 1


async def test_a_stalled_edge_keeps_the_connection_and_withholds(way: Way) -> None:
    """While stalled nothing arrives, the bytes are counted as withheld; healed, they arrive."""
    reader, writer = await way.connect()
    writer.write(b"a")
    assert await hears(reader) == b"a"
    way.edge.stall()
    writer.write(b"b")
    assert await is_silent(reader)
    assert way.edge.forward.withheld == 1
    assert way.heard == [b"a"]
    way.edge.heal()
    assert await hears(reader) == b"b"
    assert way.edge.forward.withheld == 0


@pytest.mark.parametrize("direction", ["forward", "back"])
async def test_an_edge_can_be_half_open(way: Way, direction: str) -> None:
    """Stalled in one direction only, the target hears the caller, or it does not, as said."""
    reader, writer = await way.connect()
    writer.write(b"a")
    assert await hears(reader) == b"a"
    getattr(way.edge, direction).stall()
    writer.write(b"b")
    assert await is_silent(reader)
    assert way.heard[1:] == ([] if direction == "forward" else [b"b"])
    assert getattr(way.edge, direction).withheld == 1
    way.edge.heal()
    assert await hears(reader) == b"b"


async def test_who_left_during_a_stall_was_never_there(way: Way) -> None:
    """A connection made and closed while the edge is stalled never reaches the target."""
    way.edge.stall()
    _, gone = await way.connect()
    gone.write(b"a")
    gone.close()
    stayed, writer = await way.connect()
    writer.write(b"b")
    assert await is_silent(stayed)
    assert way.edge.opened == 0
    way.edge.heal()
    assert await hears(stayed) == b"b"
    assert way.heard == [b"b"]
    assert way.edge.opened == 1


async def test_a_stall_withholds_the_end_of_a_connection(way: Way) -> None:
    """A caller that ends during a stall has not ended for the target until the stall is over."""
    reader, writer = await way.connect()
    writer.write(b"a")
    assert await hears(reader) == b"a"
    way.edge.stall()
    writer.transport.abort()
    await asyncio.sleep(SILENCE)
    assert way.left == 0
    way.edge.heal()

    async def left() -> bool:
        return way.left == 1

    await until(left, SOON, "the target sees the end")


async def test_a_dropped_edge_resets_all(way: Way) -> None:
    """Dropped, open connections are reset, new ones too; healed, new ones pass."""
    reader, writer = await way.connect()
    writer.write(b"a")
    assert await hears(reader) == b"a"
    way.edge.drop()
    with pytest.raises(ConnectionResetError):
        await hears(reader)
    with pytest.raises(ConnectionResetError):
        await say(way.door.port)
    assert (way.edge.dropped, way.edge.refused) == (1, 1)
    way.edge.heal()
    assert await say(way.door.port) == b"z"


async def test_a_refusing_edge_keeps_what_is_open(way: Way) -> None:
    """While it refuses, new connections are reset and the old one goes on."""
    reader, writer = await way.connect()
    writer.write(b"a")
    assert await hears(reader) == b"a"
    way.edge.refuse()
    with pytest.raises(ConnectionResetError):
        await say(way.door.port)
    writer.write(b"b")
    assert await hears(reader) == b"b"
    assert (way.edge.dropped, way.edge.refused) == (0, 1)


async def test_a_reset_is_over_at_once(way: Way) -> None:
    """After `reset` the open connections are gone and the next one passes."""
    reader, writer = await way.connect()
    writer.write(b"a")
    assert await hears(reader) == b"a"
    way.edge.reset()
    with pytest.raises(ConnectionResetError):
        await hears(reader)
    assert await say(way.door.port) == b"z"


async def test_a_shut_door_refuses_like_a_dead_process(way: Way) -> None:
    """Shut, a connection is refused, not reset; opened again, the same port takes it."""
    await way.door.shut()
    with pytest.raises(ConnectionRefusedError):
        await say(way.door.port)
    await way.door.open()
    assert await say(way.door.port) == b"z"


async def test_latency_delays_without_narrowing(way: Way) -> None:
    """A delay of 50 ms each way makes an echo take 100, and many at once take no longer."""
    reader, writer = await way.connect()
    way.edge.delay(0.05)
    loop = asyncio.get_running_loop()
    start = loop.time()
    for _ in range(10):
        writer.write(b"a")
        await asyncio.sleep(0)
    await hears(reader, 10)
    assert 0.1 <= loop.time() - start < 0.5


async def test_slices_arrive_one_by_one(way: Way) -> None:
    """Cut into one byte a write, a line arrives in many pieces, whole and in order."""
    reader, writer = await way.connect()
    way.edge.cut_into(1)
    line = b"0123456789" * 10
    writer.write(line)
    assert await hears(reader, len(line)) == line
    assert len(way.heard) > len(line) // 4  # the target may read several at once


async def test_a_target_that_is_gone_resets_the_caller(way: Way) -> None:
    """A connection that the door takes and the target does not is reset."""
    with Port() as front, Port() as nobody:
        door = Door(front, nobody.number, lambda _: way.edge)
        await door.open()
        with pytest.raises(ConnectionResetError):
            await say(front.number)
        await door.close()


async def test_a_caller_that_cannot_be_known_is_reset() -> None:
    """Whoever is gone before the door could ask who it was passes nothing on."""
    with Port() as front:
        door = Door(front, front.number, lambda _: None)
        await door.open()
        with pytest.raises(ConnectionResetError):
            await say(front.number)
        await door.close()


async def say(port: int) -> bytes:
    """Connect, say one byte, and return the first that comes back."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(b"z")
        return await hears(reader)
    finally:
        writer.transport.abort()
