"""What is true of every answer: refusals and mistakes become problems, headers are careful."""

from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from chat.errors import Refusal
from handlers.address import is_secure
from handlers.answers import refuse
from handlers.cors import plain_options
from handlers.node import NODE
from handlers.problems import incident

_ERROR: Final = 400
_SERVER_ERROR: Final = 500
# HTTP errors that aiohttp, aiohttp-cors and reading a body raise: our code, and what to say.
HTTP_ERRORS: Final[dict[int, tuple[str, str]]] = {
    400: ("bad_request", "malformed request"),
    403: ("forbidden", "not allowed from this origin"),
    404: ("not_found", "no such route"),
    405: ("unsupported", "method not offered here"),
    408: ("bad_request", "the body came too slowly"),
    413: ("too_large", "body too large"),
    415: ("unsupported", "application/json, UTF-8, no content coding"),
    417: ("unsupported", "expectation not supported"),
}
CSP: Final = "default-src 'none'; frame-ancestors 'none'"
_HSTS: Final = "max-age=31536000"  # one year, the least that preload lists take


@web.middleware
async def valid_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a `Host` that is none (RFC 9112 §3.2): whoever read the URL further in would fail."""
    try:
        request.url  # noqa: B018 - it is made here, and kept
    except ValueError:
        return refuse(request, Refusal("bad_request", "malformed Host"))
    return await handler(request)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a handler raises into RFC 9457; what nobody foresaw into an incident."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return refuse(request, refusal)
    except web.HTTPException as error:
        if error.status < _ERROR:
            raise
        return translate(request, error)
    except Exception as error:  # noqa: BLE001 - the last place where a mistake is ours to answer
        return _confess(request, error)


def translate(request: web.Request, error: web.HTTPException) -> web.Response:
    """Return an HTTP error of a library as a problem; its text may repeat the client, ours not."""
    if error.status >= _SERVER_ERROR:
        return _confess(request, error)
    code, detail = HTTP_ERRORS.get(error.status, ("bad_request", "malformed request"))
    response = refuse(request, Refusal(code, detail), status=error.status)
    if hdrs.ALLOW in error.headers:
        response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
    if error.status == web.HTTPRequestTimeout.status_code:
        response.force_close()  # the rest of the body would be waited for
    return response


def _confess(request: web.Request, error: Exception) -> web.Response:
    resource = request.match_info.route.resource
    refusal = incident(error, "" if resource is None else resource.canonical)
    if request.writer.output_size and request.transport is not None:
        request.transport.abort()  # half an answer is out: no second one may follow it
    return refuse(request, refusal)


async def careful_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Say nothing of what runs here, and let nothing that is shown be run, framed or kept."""
    headers = response.headers
    headers.pop(hdrs.SERVER, None)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers.setdefault("Content-Security-Policy", CSP)
    headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    if is_secure(request, request.app[NODE].options.trusted_proxies):
        headers[hdrs.STRICT_TRANSPORT_SECURITY] = _HSTS


MIDDLEWARES: Final = [problems, plain_options]
