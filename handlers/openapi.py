"""OpenAPI 3.1 of the REST API, made from the types that validate and the routes that are there."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from itertools import groupby
from typing import Any, Final

import msgspec
from aiohttp import web

from chat.errors import ERRORS, Refusal, Repeat
from chat.frames import Message
from handlers.messages import MessagePage
from handlers.operations import OPERATIONS, Answer, Operation
from handlers.problems import MIME, Problem, problem
from handlers.schemas import ERROR_TABLE, VERSION, ref, schema_of, schemas

_DESCRIPTION: Final = (
    "A chat whose acknowledged messages survive any single failure. The events are those of the "
    "WebSocket protocol `chat.v1`, byte for byte; `Idempotency-Key` is its `cid`."
)

_RETRY_MS: Final = {Repeat.LATER: 640}
_HEADERS: Final = {
    "Retry-After": "Whole seconds: `retry_ms`, rounded up.",
    "WWW-Authenticate": "`Bearer`",
}


def document(routes: Iterable[web.RouteDef]) -> dict[str, Any]:
    """Return the document of those routes that are described."""
    described = [route for route in routes if route.handler in OPERATIONS]
    paths: dict[str, Any] = {}
    for route in described:
        item = paths.setdefault(route.path, {})
        item[route.method.lower()] = _operation(route, OPERATIONS[route.handler])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Holdfast", "version": VERSION, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": _components(OPERATIONS[route.handler] for route in described),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
        "x-errors": ERROR_TABLE,
    }


def _components(operations: Iterable[Operation]) -> dict[str, Any]:
    forms: dict[type, None] = {Problem: None, Message: None}
    for operation in operations:
        answers = (answer.body for answer in operation.answers.values())
        forms.update(dict.fromkeys(form for form in (operation.body, *answers) if form))
    components = schemas(list(forms))
    components[MessagePage.__name__]["properties"]["items"]["items"] = ref(Message)
    components[Problem.__name__]["properties"]["code"]["enum"] = list(ERRORS)
    return components


def _operation(route: web.RouteDef, operation: Operation) -> dict[str, Any]:
    name = getattr(route.handler, "__name__", "")
    entry: dict[str, Any] = {
        "operationId": name,
        "summary": (route.handler.__doc__ or "").split("\n")[0].rstrip("."),
        "parameters": [
            *_parameters(operation.path, "path"),
            *_parameters(operation.query, "query"),
            *_headers(operation),
        ],
        "responses": _responses(operation),
        "security": [{"bearer": []}] if operation.secured else [],
    }
    if operation.body is not None:
        content = {"schema": ref(operation.body), "example": operation.example}
        entry["requestBody"] = {"required": True, "content": {"application/json": content}}
    return entry


def _parameters(form: type | None, place: str) -> Iterable[dict[str, Any]]:
    """Yield the fields of a form; it is a struct of scalars, so nothing is referred to."""
    if form is None:
        return
    schema = schema_of(form)
    described = schema["$defs"][form.__name__]
    for name, field in described["properties"].items():
        required = name in described["required"]
        yield {"name": name, "in": place, "required": required, "schema": field}


def _headers(operation: Operation) -> Iterable[dict[str, Any]]:
    for name, form in operation.headers.items():
        schema = {"type": "string", "description": form} if isinstance(form, str) else None
        yield {"name": name, "in": "header", "schema": schema or schema_of(form)}


def _responses(operation: Operation) -> dict[str, Any]:
    responses = {str(status): _answer(answer) for status, answer in operation.answers.items()}
    rows = sorted((ERRORS[code].status, code) for code in operation.codes)
    for status, group in groupby(rows, key=lambda row: row[0]):
        codes = [code for _, code in group]
        said = ", ".join(f"`{code}`" for code in codes)
        responses[str(status)] = _problem(status, codes[0], f"{HTTPStatus(status).phrase}: {said}")
    for status, (code, meaning) in operation.statuses.items():
        responses[str(status)] = _problem(status, code, f"`{code}`: {meaning}")
    return responses


def _answer(answer: Answer) -> dict[str, Any]:
    entry: dict[str, Any] = {"description": answer.meaning}
    if answer.headers:
        entry["headers"] = _described(answer.headers)
    if answer.body is not None:
        content: dict[str, Any] = {"schema": ref(answer.body)}
        if answer.example is not None:
            content["example"] = answer.example
        entry["content"] = {"application/json": content}
    return entry


def _problem(status: int, code: str, meaning: str) -> dict[str, Any]:
    example = problem(Refusal(code, retry_ms=_RETRY_MS.get(ERRORS[code].repeat)), status=status)
    content = {"schema": ref(Problem), "example": msgspec.json.decode(example.text or "")}
    headers = {name: text for name, text in _HEADERS.items() if name in example.headers}
    entry: dict[str, Any] = {"description": meaning, "content": {MIME: content}}
    return entry | ({"headers": _described(headers)} if headers else {})


def _described(headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()
    }
