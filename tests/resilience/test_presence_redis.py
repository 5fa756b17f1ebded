"""Presence on Redis: many rooms in few errands, and nothing forgotten when a lease has lapsed."""

import asyncio
from collections.abc import Sequence

import pytest

from chat.frames import User
from deploy.local.cluster import Cluster
from resilience import keys, lease, presence_redis
from resilience.link import Command, Reply, TcpLink
from tests.resilience.nodes import Ask, OpenNode, Pair
from tests.resilience.recorder import until
from tests.resilience.storages import too_few_replicas

ROOMS = [f"room-{index}" for index in range(300)]


async def test_many_rooms_are_few_errands(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three hundred rooms are written, read and compared in errands of hundreds of commands."""
    courier = pair.a.redis.courier
    ask: Ask = courier.ask
    errands: list[Sequence[Command]] = []

    async def counted(commands: Sequence[Command]) -> list[Reply]:
        errands.append(commands)
        return await ask(commands)

    monkeypatch.setattr(courier, "ask", counted)
    for room in ROOMS:
        pair.a.engine.presence.enter(room, "1", User("ann"))

    async def read() -> int:
        return sum(command[0] == "HGETALL" for errand in errands for command in errand)

    assert await until(read, lambda count: count >= 2 * len(ROOMS))
    assert len(errands) < 60
    assert (await pair.b.engine.presence.view(ROOMS[-1], 9)).members == [User("ann")]


async def test_what_was_written_in_a_lapse_is_written_again(
    open_shared: OpenNode, shared: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease found lapsed while a room is written, what is stored gone: all is written again."""
    node = await open_shared()
    engine = node.redis
    engine.presence.enter("den", "1", User("ann"))

    async def stored() -> list[str]:
        (reply,) = await ask([("HKEYS", keys.members("den"))])
        return sorted(field.decode().partition("/")[0] for field in reply)

    ask: Ask = engine.courier.ask
    await until(stored, lambda users: users == ["ann"])
    lapsed = False

    async def lapsing(commands: Sequence[Command]) -> list[Reply]:
        nonlocal lapsed
        replies = await ask(commands)
        if not lapsed and any("bo/" in str(part) for command in commands for part in command):
            await ask([("DEL", keys.members("den"))])
            engine.presence.assert_again()
            lapsed = True
        return replies

    monkeypatch.setattr(engine.courier, "ask", lapsing)
    engine.presence.enter("den", "2", User("bo"))
    assert await until(stored, lambda users: lapsed and users == ["ann", "bo"])


async def test_who_left_in_a_lapse_does_not_stay(
    open_shared: OpenNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a user who leaves, in a lapse, while their coming is on its way nothing stays stored."""
    engine = (await open_shared()).redis
    ask: Ask = engine.courier.ask
    came = asyncio.Event()

    async def lapsing(commands: Sequence[Command]) -> list[Reply]:
        coming = any("ann/" in str(part) for command in commands for part in command)
        if coming and not came.is_set():
            engine.presence.leave("den", "1")
            engine.presence.assert_again()
        replies = await ask(commands)
        if coming:
            came.set()
        return replies

    async def stored() -> Reply:
        return (await ask([("HKEYS", keys.members("den"))]))[0]

    monkeypatch.setattr(engine.courier, "ask", lapsing)
    engine.presence.enter("den", "1", User("ann"))
    await came.wait()
    assert await until(stored, lambda fields: fields == []) == []


async def test_a_crowd_reads_a_room_once(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred who ask at a time who is in a room, of which there is no mirror, share a look."""
    pair.a.engine.presence.enter("den", "1", User("ann"))
    presence, courier = pair.b.engine.presence, pair.b.redis.courier
    await until(lambda: presence.view("den", 9), lambda view: view.count == 1)
    ask: Ask = courier.ask
    looks = 0

    async def counted(commands: Sequence[Command]) -> list[Reply]:
        nonlocal looks
        looks += ("HGETALL", keys.members("den")) in commands
        return await ask(commands)

    monkeypatch.setattr(courier, "ask", counted)
    first = asyncio.create_task(presence.view("den", 9))
    rest = [asyncio.create_task(presence.view("den", 9)) for _ in range(100)]
    await asyncio.sleep(0)
    first.cancel()  # who looks for all of them hangs up
    assert {view.count for view in await asyncio.gather(*rest)} == {1}
    assert looks <= 2


async def test_a_room_is_known_however_many_come_meanwhile(
    open_shared: OpenNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One's own coming and going is no reason to read the others again."""
    engine = (await open_shared()).redis
    ask: Ask = engine.courier.ask
    comes = 0

    async def coming(commands: Sequence[Command]) -> list[Reply]:
        nonlocal comes
        replies = await ask(commands)
        if ("HGETALL", keys.members("den")) in commands:
            comes += 1
            engine.presence.enter("den", f"more-{comes}", User(f"u{comes}"))
        return replies

    monkeypatch.setattr(engine.courier, "ask", coming)
    engine.presence.enter("den", "1", User("ann"))

    async def seeded() -> bool:
        roll = engine.presence._mirrors.get("den")
        return roll is not None and roll.seeded

    await until(seeded, bool)
    assert comes == 1


async def test_who_is_heard_of_is_there_before_the_next_beat(
    open_shared: OpenNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People of a node that has just started are not taken for a dead node's."""
    monkeypatch.setattr(lease, "BEAT_S", 60)
    a = (await open_shared(node="a")).redis
    a.presence.enter("den", "1", User("ann"))
    await a.log.follow("den")
    b = (await open_shared(node="b")).redis
    b.presence.enter("den", "2", User("bo"))
    await until(lambda: a.presence.view("den", 9), lambda view: view.count == 2)
    await a.presence._mirrors._refresh(["den"])
    assert (await a.presence.view("den", 9)).count == 2


async def test_news_are_told_once_while_nothing_can_be_written(
    open_shared: OpenNode, shared: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is refused again and again is not told again and again; then both are done."""
    engine, master = (await open_shared()).redis, await shared.master()
    presence = engine.presence
    presence.enter("den", "1", User("ann"))
    await until(lambda: presence.view("den", 9), lambda view: view.count == 1)
    carried: list[Command] = []
    pipeline = TcpLink.pipeline

    def kept(
        link: TcpLink, commands: Sequence[Command], within_s: float
    ) -> asyncio.Future[list[Reply]]:
        carried.extend(commands)
        return pipeline(link, commands, within_s)

    async def counted() -> tuple[int, int]:
        writes = sum(
            command[0] == "HSET" and keys.members("lounge") in command for command in carried
        )
        return writes, sum(
            command[:2] == ("PUBLISH", keys.channel("lounge")) for command in carried
        )

    monkeypatch.setattr(TcpLink, "pipeline", kept)  # of whichever link the courier then has
    async with too_few_replicas(master):
        presence.enter("lounge", "2", User("bo"))
        _, told = await until(counted, lambda counts: counts[0] >= 3)
        assert told == 0
    await until(counted, lambda counts: counts[1] == 1)


async def test_all_the_rooms_of_a_node_are_written_in_parts(
    open_shared: OpenNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failover they would hold the loop up, were they put together in one go."""
    monkeypatch.setattr(presence_redis, "_AT_ONCE", 10)
    engine = (await open_shared()).redis
    written: list[int] = []
    write = engine.presence._write

    async def counted(rooms: Sequence[str]) -> None:
        written.append(len(rooms))
        await write(rooms)

    monkeypatch.setattr(engine.presence, "_write", counted)
    for room in ROOMS:
        engine.presence.enter(room, "1", User("ann"))

    async def total() -> int:
        return sum(written)

    await until(total, lambda rooms: rooms >= len(ROOMS))
    assert max(written) <= 10
