"""`Connections`: the connections of all nodes, and orders to close them."""

import time
from collections.abc import Sequence

import pytest

from chat import revocations
from chat.engine import Engine
from chat.errors import Refusal
from chat.presence import ConnectionInfo, Connections, Disconnect
from chat.revocations import Revocation
from resilience import revocations_redis
from tests.resilience.recorder import Recorder, until


@pytest.fixture
def connections(engine: Engine) -> Connections:
    return engine.connections


def info(conn: str, user: str, since: int, rooms: Sequence[str] = ()) -> ConnectionInfo:
    return ConnectionInfo(
        conn=conn,
        user=user,
        node="here",
        address="192.0.2.0",
        since=since,
        rooms=list(rooms),
        client="test/1",
    )


YOUNG = info("a", "ann", 3_000, ["den"])
MIDDLE = info("b", "bo", 2_000, ["den", "lounge"])
OLD = info("c", "ann", 1_000)


async def found(connections: Connections, count: int) -> list[ConnectionInfo]:
    """Return all connections as soon as there are so many."""
    return await until(connections.find, lambda infos: len(infos) == count)


@pytest.mark.parametrize(
    ("user", "room", "expected"),
    [
        (None, None, [OLD, MIDDLE, YOUNG]),
        ("ann", None, [OLD, YOUNG]),
        (None, "den", [MIDDLE, YOUNG]),
        ("ann", "den", [YOUNG]),
        ("bo", "lounge", [MIDDLE]),
        ("cy", None, []),
        ("ann", "lounge", []),
    ],
)
async def test_connections_are_found(
    connections: Connections, user: str | None, room: str | None, expected: list[ConnectionInfo]
) -> None:
    """By user, by room, by both or by neither, with all that is known of them, oldest first."""
    for each in (YOUNG, OLD, MIDDLE):
        connections.register(each)
    await found(connections, 3)
    assert await connections.find(user=user, room=room) == expected


async def test_what_is_known_is_renewed(connections: Connections) -> None:
    """Registering a connection again replaces what is known of it."""
    connections.register(YOUNG)
    renewed = info("a", "ann", 3_000, ["lounge"])
    connections.register(renewed)
    await until(connections.find, lambda infos: infos == [renewed])
    assert await connections.find(room="den") == []


async def test_a_dropped_connection_is_gone(connections: Connections) -> None:
    """What is dropped is found no more; dropping it again, or an unknown one, is nothing."""
    connections.register(YOUNG)
    connections.register(MIDDLE)
    await found(connections, 2)
    for conn in ("a", "a", "unknown"):
        connections.drop(conn)
    assert await found(connections, 1) == [MIDDLE]


@pytest.mark.parametrize(
    "order",
    [Disconnect(close="kicked", conn="a"), Disconnect(close="token_revoked", user="ann")],
    ids=["one", "all of a user"],
)
async def test_an_order_reaches_this_node(
    connections: Connections, heard: Recorder, order: Disconnect
) -> None:
    """An order comes to the listener whole, and once."""
    await connections.order(order)
    fence = Disconnect(close="kicked", conn="fence")
    await connections.order(fence)
    await heard.until(lambda heard: fence in heard.orders)
    assert heard.orders == [order, fence]


async def test_a_revocation_reaches_this_node(connections: Connections, heard: Recorder) -> None:
    """A revocation comes to the listener whole, in the same order."""
    given = [Revocation(at=1_000, user="ann"), Revocation(at=2_000, jti="t1")]
    for revocation in given:
        await connections.revoke(revocation)
    await heard.until(lambda heard: given[-1] in heard.orders)
    assert [order for order in heard.orders if order in given] == given


async def test_one_revocation_too_many_is_refused(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound holds; a refused revocation is told to nobody."""
    now = int(time.time())
    for module in (revocations, revocations_redis):
        monkeypatch.setattr(module, "BOUND", 2)
    for name in ("a", "b"):
        await connections.revoke(Revocation(at=now, jti=name))
    with pytest.raises(Refusal, match="limit_exceeded"):
        await connections.revoke(Revocation(at=now, jti="c"))
