"""Refusals as RFC 9457 problems, and our own mistakes as incidents that tell nobody anything."""

import logging
import secrets
from typing import Final

import msgspec
from aiohttp import web

from chat.errors import Refusal

_log: Final = logging.getLogger("holdfast.edge")
_INCIDENT_BYTES: Final = 6
MIME: Final = "application/problem+json"


class Problem(msgspec.Struct, omit_defaults=True):
    """The body of every REST error; `code` is the same as in a WebSocket `error` frame."""

    title: str
    status: int
    code: str
    type: str = "about:blank"
    detail: str | None = None
    field: str | None = None
    retry_ms: int | None = None
    trace_id: str | None = None


def incident(error: BaseException, where: str) -> Refusal:
    """Log an unexpected error under an id, and return the refusal that names only the id."""
    name = secrets.token_hex(_INCIDENT_BYTES)
    _log.error("incident", exc_info=error, extra={"incident": name, "where": where})
    return Refusal("internal", name, retry_ms=1000)


def problem(
    refusal: Refusal, *, status: int | None = None, trace_id: str | None = None
) -> web.Response:
    """Return the response for a refusal; `Retry-After` in whole seconds, rounded up."""
    rule = refusal.rule
    status = status or rule.status
    body = Problem(
        title=rule.meaning,
        status=status,
        code=refusal.code,
        detail=refusal.detail,
        field=refusal.field,
        retry_ms=refusal.retry_ms,
        trace_id=trace_id,
    )
    headers = {}
    if refusal.retry_ms is not None:
        headers["Retry-After"] = str(-(-refusal.retry_ms // 1000))
    if status == 401:  # noqa: PLR2004 - RFC 9110 §11.6.1
        headers["WWW-Authenticate"] = "Bearer"
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type=MIME, headers=headers
    )
