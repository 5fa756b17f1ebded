"""Cross-origin requests: the same list of origins as the WebSocket handshake."""

from collections.abc import Iterable
from typing import Final

import aiohttp_cors
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

EXPOSED: Final = (
    "Link",
    "Location",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "Idempotency-Replayed",
    "Preference-Applied",
)
ADMITTED: Final = ("Authorization", "Content-Type", "Idempotency-Key", "Prefer", "traceparent")
PREFLIGHT_S: Final = 600  # Chromium keeps a preflight at most two hours, Firefox a day


def setup_cors(app: web.Application, origins: Iterable[str]) -> None:
    """Let scripts of these origins, and no others, use every route that is there now."""
    trusted = sorted(origins)
    cors = aiohttp_cors.setup(app)
    for resource in list(app.router.resources()):
        methods = [route.method for route in resource]
        options = aiohttp_cors.ResourceOptions(  # type: ignore[no-untyped-call]
            allow_credentials=True,
            expose_headers=EXPOSED,
            allow_headers=ADMITTED,
            allow_methods=methods,
            max_age=PREFLIGHT_S,
        )
        cors.add(resource, dict.fromkeys(trusted, options))
    app.on_response_prepare.append(_vary)


async def _vary(_: web.Request, response: web.StreamResponse) -> None:
    """Keep caches from giving one origin the answer to another; aiohttp-cors does not say it."""
    response.headers.add(hdrs.VARY, hdrs.ORIGIN)


@web.middleware
async def plain_options(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer an OPTIONS that is no preflight (RFC 9110 §9.3.7)."""
    resource = request.match_info.route.resource
    preflight = hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    if request.method != hdrs.METH_OPTIONS or resource is None or preflight:
        return await handler(request)
    allowed = ", ".join(sorted({route.method for route in resource}))
    return web.Response(status=204, headers={hdrs.ALLOW: allowed})
