"""Every route there is, on one page."""

from typing import Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from handlers import admin, asyncapi, health, messages, openapi, presence
from handlers.answers import json_bytes
from handlers.cors import setup_cors
from handlers.middlewares import careful_headers
from handlers.node import Node
from handlers.websocket import websocket

_ROOM: Final = "/v1/rooms/{room}"

ROUTES: Final = (
    web.get("/health/live", health.live),
    web.get("/health/ready", health.ready),
    web.get("/health/websocket", health.websocket_health),
    web.post(f"{_ROOM}/messages", messages.publish),
    web.get(f"{_ROOM}/messages", messages.history),
    web.get(f"{_ROOM}/messages/{{seq}}", messages.message),
    web.get(f"{_ROOM}/presence", presence.presence),
    web.get("/v1/admin/connections", admin.connections),
    web.delete("/v1/admin/connections/{conn}", admin.disconnect),
    web.post("/v1/admin/users/{user}/disconnect", admin.disconnect_user),
    web.post("/v1/admin/users/{user}/revoke", admin.revoke_user),
    web.post("/v1/admin/tokens/{jti}/revoke", admin.revoke_token),
    web.get("/v1/admin/cluster", admin.cluster),
    web.post("/v1/admin/failover", admin.fail_over),
)


def setup_routes(app: web.Application, node: Node) -> None:
    """Add all routes, the origins that may use them and the headers of every answer."""
    app.add_routes(ROUTES)
    app.router.add_get("/v1/openapi.json", _document(openapi.document(ROUTES)))
    app.router.add_get("/v1/asyncapi.json", _document(asyncapi.document()))
    setup_cors(app, node.options.origins)
    app.router.add_get(
        "/ws", websocket, allow_head=False
    )  # its own check of the origin is stricter
    app.on_response_prepare.append(careful_headers)


def _document(document: object) -> Handler:
    """Return the handler that serves a document; it is made once, when the server starts."""
    body = msgspec.json.encode(document)

    async def serve(_: web.Request) -> web.Response:
        return json_bytes(body)

    return serve
