"""The administrator's routes: who is connected to any node, out with them, how the storage is."""

import time
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from chat.claims import ADMIN
from chat.closes import KICKED
from chat.engine import Engine
from chat.errors import Refusal
from chat.names import END, RoomName, UserId
from chat.presence import ConnectionInfo, Disconnect
from chat.revocations import Revocation, TokenId
from handlers.answers import json_response
from handlers.authorization import authorize
from handlers.bodies import read_path, read_query
from handlers.health import Ready, checks, readiness
from handlers.node import NODE

ConnectionId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,64}" + END,
        description="`conn` of `welcome`: a connection.",
        examples=["c7f3"],
    ),
]
_DONE: Final = 204
_ORDERED: Final = 202


class ConnectionPath(msgspec.Struct, frozen=True):
    conn: ConnectionId


class UserPath(msgspec.Struct, frozen=True):
    user: UserId


class TokenPath(msgspec.Struct, frozen=True):
    jti: TokenId


class ConnectionsQuery(msgspec.Struct, frozen=True):
    user: UserId | UnsetType = UNSET
    room: RoomName | UnsetType = UNSET


class ConnectionList(msgspec.Struct, frozen=True):
    """Connections of all nodes, oldest first."""

    items: list[ConnectionInfo]


async def connections(request: web.Request) -> web.Response:
    """List connections, all or those of a user, in a room."""
    engine = await _engine(request)
    query = read_query(request, ConnectionsQuery)
    found = await engine.connections.find(user=query.user or None, room=query.room or None)
    return json_response(ConnectionList(found))


async def disconnect(request: web.Request) -> web.Response:
    """Close one connection, wherever it is, by 4004: its client stays away."""
    engine = await _engine(request)
    conn = read_path(request, ConnectionPath).conn
    if all(info.conn != conn for info in await engine.connections.find()):
        raise Refusal("not_found", "no such connection")
    await engine.connections.order(Disconnect(close=KICKED.name, conn=conn))
    return web.Response(status=_DONE)


async def disconnect_user(request: web.Request) -> web.Response:
    """Close all connections of a user by 4004; a user with none is disconnected already."""
    engine = await _engine(request)
    user = read_path(request, UserPath).user
    await engine.connections.order(Disconnect(close=KICKED.name, user=user))
    return web.Response(status=_DONE)


async def revoke_user(request: web.Request) -> web.Response:
    """Take no token of the user any more that was issued until now; close theirs by 4103."""
    engine = await _engine(request)
    user = read_path(request, UserPath).user
    await engine.connections.revoke(Revocation(at=int(time.time()), user=user))
    return web.Response(status=_DONE)


async def revoke_token(request: web.Request) -> web.Response:
    """Take the token of this `jti` no more, known here or not; close its connections by 4103."""
    engine = await _engine(request)
    jti = read_path(request, TokenPath).jti
    await engine.connections.revoke(Revocation(at=int(time.time()), jti=jti))
    return web.Response(status=_DONE)


async def cluster(request: web.Request) -> web.Response:
    """Describe the storage: its topology, phases and nodes."""
    engine = await _engine(request)
    document = await engine.cluster()
    node = request.app[NODE]
    document["health"] = msgspec.to_builtins(Ready(readiness(node), checks(node)))
    document["failover"] = node.options.dev and bool(document.get("sentinels"))
    return json_response(document)


async def fail_over(request: web.Request) -> web.Response:
    """Order a planned failover, to watch one: for servers in development alone."""
    engine = await _engine(request)
    if not request.app[NODE].options.dev:
        raise Refusal("forbidden", "for development: start the server with --dev")
    await engine.fail_over()
    return web.Response(status=_ORDERED)


async def _engine(request: web.Request) -> Engine:
    """Return the engine to who may administrate it."""
    (await authorize(request)).require_scope(ADMIN)
    return request.app[NODE].engine
