"""The access log: one event per request, by the route's template, never the path or the query."""

import logging
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from handlers.answers import TRACE_ID
from handlers.node import NODE

_log: Final = logging.getLogger("holdfast.access")
_UNTIMED: Final = ("/ws",)  # as long as the socket: no latency of anything
_QUIET: Final = ("/health/", "/ws")  # probes are noise, and a socket is no request


class AccessLogger(AbstractAccessLogger):
    """Logs what was asked of which route, with what result and how long it took."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Log a request; a malformed one has no route."""
        route = template(request)
        if route and route not in _UNTIMED and isinstance(request, web.Request):
            statistics = request.app[NODE].statistics
            statistics.request(request.method, route, response.status, time)
        if route.startswith(_QUIET) and response.status < 400:  # noqa: PLR2004
            return
        said = {
            "method": request.method if route else "",
            "route": route,
            "status": response.status,
            "ms": round(time * 1000, 2),
        }
        if isinstance(request, web.Request) and TRACE_ID in request:
            said["trace_id"] = request[TRACE_ID]
        _log.info("request", extra=said)

    @property
    def enabled(self) -> bool:
        """Always: what is not logged is still counted."""
        return True


def template(request: web.BaseRequest) -> str:
    """Return the route's template, as `/v1/rooms/{room}/messages`; empty when there is none."""
    if not isinstance(request, web.Request):
        return ""
    try:
        resource = request.match_info.route.resource
    except AssertionError:  # aiohttp has not routed a malformed request
        return ""
    return "" if resource is None else resource.canonical
