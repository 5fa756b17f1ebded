"""The administrator's routes: who is connected, and out with them."""

import pytest

from tests.chatting import Client
from tests.conftest import Connect, Serve
from tests.handlers.conftest import Reply, Rest

ADMIN = "/v1/admin"
ROUTES = [
    ("GET", "/connections"),
    ("DELETE", "/connections/c1"),
    ("POST", "/users/bo/disconnect"),
    ("GET", "/cluster"),
    ("POST", "/failover"),
]


async def command(rest: Rest, method: str, path: str) -> Reply:
    return await rest.ask(method, ADMIN + path, user="root", rooms={}, scope="chat.admin")


async def conns(rest: Rest, query: str = "") -> list[str]:
    """Return the users of the connections that are listed, oldest first."""
    listed = await command(rest, "GET", f"/connections{query}")
    assert listed.status == 200
    return [info["user"] for info in listed.json["items"]]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_the_scope_is_required(rest: Rest, method: str, path: str) -> None:
    """Rights in every room, or another scope, open no route of the administrator."""
    for scope in ("", "chat.publish", "chat.administrator"):
        refused = await rest.ask(method, ADMIN + path, scope=scope)
        assert (refused.status, refused.json["code"]) == (403, "forbidden")
    assert (await rest.ask(method, ADMIN + path, user=None)).status == 401


async def test_connections_by_user(rest: Rest, connect: Connect) -> None:
    """Connections are listed oldest first, all or those of a user."""
    for user in ("bo", "ann", "bo"):
        await connect(user, to=rest.served)
    assert await conns(rest) == ["bo", "ann", "bo"]
    assert await conns(rest, "?user=bo") == ["bo", "bo"]
    assert await conns(rest, "?user=nobody") == []


async def test_connections_by_room(rest: Rest, connect: Connect) -> None:
    """Connections are filtered by the rooms they are in now."""
    for user, room in [("bo", "general"), ("ann", "general"), ("bo", "side")]:
        client = await connect(user, to=rest.served)
        await client.join(room)
    assert await conns(rest, "?room=general") == ["bo", "ann"]
    assert await conns(rest, "?room=side&user=bo") == ["bo"]


async def test_no_address_is_told_in_full(rest: Rest, connect: Connect) -> None:
    """A listed connection carries its node and its network, not its address."""
    await connect("bo", to=rest.served)
    (info,) = (await command(rest, "GET", "/connections")).json["items"]
    assert info["node"] == rest.node.engine.node
    assert info["address"] == "127.0.0.0/24"


async def test_one_connection_is_closed(rest: Rest, connect: Connect) -> None:
    """DELETE closes that connection by 4004 and no other of the same user; then it is 404."""
    kept: Client = await connect("bo", to=rest.served)
    gone: Client = await connect(None, to=rest.served)
    conn = (await gone.sign_in("bo"))["conn"]
    assert (await command(rest, "DELETE", f"/connections/{conn}")).status == 204
    closed = await gone.closing()
    assert (closed.code, closed.reason) == (4004, "kicked")
    assert (await kept.ask({"type": "ping"}))["type"] == "pong"
    again = await command(rest, "DELETE", "/connections/never-was")
    assert (again.status, again.json["code"]) == (404, "not_found")


async def test_a_user_is_disconnected(rest: Rest, connect: Connect) -> None:
    """All connections of a user are closed, others stay; a user without any is no error."""
    clients = [await connect("bo", to=rest.served) for _ in range(2)]
    other = await connect("ann", to=rest.served)
    for _ in range(2):
        done = await command(rest, "POST", "/users/bo/disconnect")
        assert (done.status, done.body) == (204, b"")
    assert [(await client.closing()).code for client in clients] == [4004, 4004]
    assert (await other.ask({"type": "ping"}))["type"] == "pong"


async def test_cluster(rest: Rest) -> None:
    """The storage describes itself, its phase with it."""
    described = await command(rest, "GET", "/cluster")
    assert described.status == 200
    assert described.json["storage"]["phase"] == "up"


async def test_failover_is_for_development(rest: Rest, serve: Serve) -> None:
    """In production nobody orders a failover here; in memory there is none to order."""
    assert (await command(rest, "POST", "/failover")).status == 403
    refused = await command(Rest(await serve(dev=True)), "POST", "/failover")
    assert (refused.status, refused.json["code"]) == (501, "unsupported")
