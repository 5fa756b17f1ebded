"""Presence on Redis: many rooms in few errands, and nothing forgotten when a lease has lapsed."""

import asyncio
from collections.abc import Sequence

import pytest

from chat.frames import User
from deploy.local.cluster import Cluster
from resilience import keys
from resilience.link import Command, Reply
from tests.resilience.nodes import Ask, OpenNode, Pair
from tests.resilience.recorder import until

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
