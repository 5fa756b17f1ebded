"""What a REST request says, by validated types: its body, its query, the names in its path."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import ValidationError

from chat.errors import Refusal
from handlers.answers import JSON

BODY_S: Final = 10.0  # aiohttp has no deadline for a body; a slow sender holds a connection
_FIELD: Final = re.compile(r"`\$\.([a-z_]+)")

T = TypeVar("T", bound=msgspec.Struct)


async def read_body(request: web.Request, form: type[T], limit: int) -> T:
    """Return the JSON body as `form`; `limit` is bytes.

    Raises `bad_request`, `too_large`, and as HTTP errors 408 after ten seconds, 415 for what is
    not plain JSON.
    """
    if request.content_type != JSON or request.charset not in {None, "utf-8", "UTF-8"}:
        raise web.HTTPUnsupportedMediaType
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise web.HTTPUnsupportedMediaType
    try:
        async with asyncio.timeout(BODY_S):
            payload = await _read(request, limit)
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (web.RequestPayloadError, ConnectionError):  # broken, or the client has gone
        raise Refusal("bad_request", "the body broke off") from None
    try:
        return msgspec.json.decode(payload, type=form)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise malformed(error) from None


async def _read(request: web.Request, limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    payload = bytearray()
    while chunk := await request.content.readany():
        payload += chunk
        if len(payload) > limit:
            raise _too_large(limit)
    return bytes(payload)


def _too_large(limit: int) -> Refusal:
    return Refusal("too_large", f"body over {limit} bytes")


def read_query(request: web.Request, form: type[T]) -> T:
    """Return the query as `form`; unknown parameters are ignored, a repeated one is refused."""
    names = {field.name for field in msgspec.structs.fields(form)}
    for name in names:
        if len(request.query.getall(name, [])) > 1:
            raise Refusal("bad_request", "given more than once", field=name)
    return _convert({name: request.query[name] for name in names & request.query.keys()}, form)


def read_path(request: web.Request, form: type[T]) -> T:
    """Return the names in the path as `form`."""
    return _convert(request.match_info, form)


def _convert(values: Mapping[str, str], form: type[T]) -> T:
    try:
        return msgspec.convert(dict(values), form, strict=False)
    except ValidationError as error:
        raise malformed(error) from None


def malformed(error: Exception) -> Refusal:
    """Return the refusal for a decoding error: where, and never what was sent."""
    match = _FIELD.search(str(error))
    if match:
        return Refusal("bad_request", "not of the form required", field=match[1])
    detail = "not of the form required" if isinstance(error, ValidationError) else "not valid JSON"
    return Refusal("bad_request", detail)


def one_header(request: web.Request, name: str, form: Any) -> str | None:
    """Return a header that may be given once, checked against `form`; None when it is absent."""
    lines = request.headers.getall(name, [])
    if not lines:
        return None
    try:
        return str(msgspec.convert(lines[0] if len(lines) == 1 else None, form))
    except ValidationError:
        raise Refusal("bad_request", "not of the form required", field=name) from None
