"""The console and the browser's client: static files, and a sign-in for development."""

import json
from pathlib import Path
from typing import Annotated, Final

import aiohttp_jinja2
import jinja2
import msgspec
from aiohttp import hdrs, web

from chat.errors import Refusal
from chat.names import UserId
from handlers.bodies import read_body
from handlers.node import NODE

FOLDER: Final = Path(__file__).parent.parent / "console"
_STATIC: Final = FOLDER / "static"
# No inline script or style anywhere: what a message says can't become either.
CONSOLE_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
VERSION: Final = str(json.loads((FOLDER / "package.json").read_bytes())["version"])
# A new release of the server is picked up within five minutes. Who names the very version that is
# served may keep it; another version in the URL gets the one there is, for an app that lags behind.
_CURRENT: Final = "public, max-age=300"
_NAMED: Final = "public, max-age=31536000, immutable"

_BODY_BYTES: Final = 1_000


class SignIn(msgspec.Struct):
    """Who wants a token of a development server."""

    user: Annotated[UserId, msgspec.Meta(min_length=1)]


def setup_sign_in(app: web.Application) -> None:
    """Add `/dev/token`, where the node can mint: so in development alone."""
    if app[NODE].mint is not None:
        app.router.add_post("/dev/token", sign_in)


def setup_console(app: web.Application) -> None:
    """Add the page."""
    aiohttp_jinja2.setup(app, loader=jinja2.FileSystemLoader(FOLDER / "templates"), autoescape=True)
    app.router.add_get("/console", page)
    app.router.add_static("/console/static", _STATIC)


def setup_client(app: web.Application) -> None:
    """Add `/client.js`, for pages of any origin."""
    app.router.add_get("/client.js", client)


async def page(request: web.Request) -> web.StreamResponse:
    """Return the page; all it knows comes later, over the socket, for who has a token."""
    context = {"dev": request.app[NODE].mint is not None}
    response = aiohttp_jinja2.render_template("console.html", request, context)
    response.headers["Content-Security-Policy"] = CONSOLE_CSP
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    return response


async def client(request: web.Request) -> web.FileResponse:
    """Return the module; a module script of another origin needs CORS, and it is public."""
    headers = {
        hdrs.CONTENT_TYPE: "text/javascript; charset=utf-8",
        hdrs.CACHE_CONTROL: _NAMED if request.query.get("v") == VERSION else _CURRENT,
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return web.FileResponse(FOLDER / "client.js", headers=headers)


async def sign_in(request: web.Request) -> web.Response:
    """Return a token for anyone: the server was started for development.

    JSON only, so that a page of a foreign origin would have to ask first, and is told no.
    """
    node = request.app[NODE]
    origin = request.headers.get("Origin", "")
    if node.mint is None or (origin and not node.admits_origin(origin)):
        raise Refusal("forbidden", "origin not allowed")
    wanted = await read_body(request, SignIn, _BODY_BYTES)
    return web.json_response({"token": node.mint(wanted.user)})
