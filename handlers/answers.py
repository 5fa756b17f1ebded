"""What every REST route answers with: JSON made once, and refusals as problems with a trace id."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from chat.errors import Refusal
from handlers.problems import problem

JSON: Final = "application/json"
TRACE_ID: Final = web.RequestKey("TRACE_ID", str)  # set by whoever traces requests


def json_bytes(
    body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a response whose body is JSON already."""
    return web.Response(body=body, status=status, content_type=JSON, headers=headers)


def json_response(
    value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a response with `value` as JSON."""
    return json_bytes(msgspec.json.encode(value), status=status, headers=headers)


def refuse(request: web.Request, refusal: Refusal, *, status: int | None = None) -> web.Response:
    """Return the problem of a refusal; `status` where it is not the one of the code's table."""
    return problem(refusal, status=status, trace_id=request.get(TRACE_ID))
