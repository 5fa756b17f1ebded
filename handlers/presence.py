"""Presence by REST: who is in a room, over all nodes."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from handlers.answers import json_response
from handlers.authorization import authorize
from handlers.bodies import read_path, read_query
from handlers.messages import RoomPath
from handlers.node import NODE


class MembersQuery(msgspec.Struct, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=1000, description="Members named, first by id.")] = 100


async def presence(request: web.Request) -> web.Response:
    """Return how many users are in the room, and the first of them by id."""
    claims = await authorize(request)
    room = read_path(request, RoomPath).room
    query = read_query(request, MembersQuery)
    claims.require(room, "r")
    return json_response(await request.app[NODE].engine.presence.view(room, query.limit))
