"""The OpenAPI document: valid, complete, and true of what the server does."""

import re
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from chat.errors import ERRORS
from chat.names import RoomName
from handlers.routes import ROUTES
from handlers.schemas import schema_of
from tests.handlers.conftest import Rest

ROOM = "/v1/rooms/general/messages"


@pytest.fixture
async def document(rest: Rest) -> Any:
    return (await rest.ask("GET", "/v1/openapi.json", user=None)).json


def check(document: Any, path: str, method: str, reply: Any) -> None:
    """Hold an answer to the schema that the document gives for its status."""
    answer = document["paths"][path][method]["responses"][str(reply.status)]
    mime = reply.headers["Content-Type"].split(";")[0]
    schema = answer["content"][mime]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(reply.json)


async def test_valid(document: Any) -> None:
    """It is a valid OpenAPI 3.1 document."""
    OpenAPIV31SpecValidator(document).validate()


async def test_complete(document: Any) -> None:
    """Every route is described, with a summary, and nothing that is no route."""
    described = {(m, p) for p, item in document["paths"].items() for m in item}
    assert described == {(route.method.lower(), route.path) for route in ROUTES}
    for item in document["paths"].values():
        for operation in item.values():
            assert operation["summary"]
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(set(ids)) == len(ids)


async def test_no_answer_that_never_comes(document: Any) -> None:
    """A publish is refused as `unsupported` for its body alone: by 415, not by the code's 501."""
    answers = document["paths"]["/v1/rooms/{room}/messages"]["post"]["responses"]
    assert ("415" in answers, "501" in answers) == (True, False)


async def test_all_codes_of_401(document: Any) -> None:
    """Where a token is asked for, 401 names every code that REST answers with it."""
    for item in document["paths"].values():
        for operation in item.values():
            said = operation["responses"].get("401", {}).get("description", "")
            codes = {"unauthorized", "token_invalid", "token_expired"}
            assert set(re.findall(r"`(\w+)`", said)) == (codes if operation["security"] else set())


async def test_path_parameters(document: Any) -> None:
    """The names in braces are the path parameters, each with the pattern that validates."""
    for path, item in document["paths"].items():
        for operation in item.values():
            named = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
            assert sorted(named) == sorted(re.findall(r"{(\w+)}", path))
    room = document["paths"]["/v1/rooms/{room}/messages"]["get"]["parameters"][0]
    assert room["schema"] == schema_of(RoomName)


@pytest.mark.parametrize("path", ["/v1/openapi.json", "/v1/asyncapi.json"])
async def test_patterns_for_everybody(rest: Rest, path: str) -> None:
    """No pattern needs a look-ahead, which neither Go nor Rust has."""
    text = msgspec.json.encode((await rest.ask("GET", path, user=None)).json).decode()
    patterns = re.findall(r'"pattern":"([^"]*)"', text)
    assert len(patterns) > 5
    assert [pattern for pattern in patterns if "(?" in pattern] == []


async def test_error_table(document: Any) -> None:
    """The error table is the one that refusals are made of."""
    rows = {row["code"]: row["http"] for row in document["x-errors"]}
    assert rows == {code: rule.status for code, rule in ERRORS.items()}
    assert document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == list(rows)


async def test_examples_hold(document: Any) -> None:
    """Every example fits the schema it stands beside."""
    for item in document["paths"].values():
        for operation in item.values():
            answers = [r.get("content", {}) for r in operation["responses"].values()]
            for content in [operation.get("requestBody", {}).get("content", {}), *answers]:
                for media in content.values():
                    schema = {**media["schema"], "components": document["components"]}
                    if "example" in media:
                        Draft202012Validator(schema).validate(media["example"])


async def test_examples_of_problems(document: Any) -> None:
    """A refusal's example is one of its own status and codes, and its headers are described."""
    for item in document["paths"].values():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                media = answer.get("content", {}).get("application/problem+json")
                if media is None:
                    continue
                example, headers = media["example"], answer.get("headers", {})
                assert example["status"] == int(status)
                assert f"`{example['code']}`" in answer["description"]
                assert ("Retry-After" in headers) == ("retry_ms" in example)
                assert ("WWW-Authenticate" in headers) == (status == "401")


async def test_answers_hold(rest: Rest, document: Any) -> None:
    """What the server really answers fits the schema for its path, method and status."""
    rooms, admin = "/v1/rooms/{room}/messages", "/v1/admin"
    key = {"Idempotency-Key": "k"}
    async with rest.served.client() as client:
        await client.sign_in("ann")
        await client.join(presence=True)
        for reply in [await rest.say("x", headers=key), await rest.say("x", headers=key)]:
            check(document, rooms, "post", reply)
        check(document, rooms, "post", await rest.say("y", headers=key))
        check(document, rooms, "post", await rest.say(""))
        check(document, rooms, "get", await rest.ask("GET", ROOM))
        check(document, rooms, "get", await rest.ask("GET", ROOM, user=None))
        check(document, rooms + "/{seq}", "get", await rest.ask("GET", ROOM + "/1"))
        check(document, rooms + "/{seq}", "get", await rest.ask("GET", ROOM + "/9"))
        presence = await rest.ask("GET", "/v1/rooms/general/presence")
        check(document, "/v1/rooms/{room}/presence", "get", presence)
        listed = await rest.ask("GET", f"{admin}/connections", scope="chat.admin")
        check(document, f"{admin}/connections", "get", listed)
        for name in ("live", "ready", "websocket"):
            check(document, f"/health/{name}", "get", await rest.ask("GET", f"/health/{name}"))


async def test_a_body_that_the_schema_refuses_is_refused(rest: Rest, document: Any) -> None:
    """Schema and server agree on bodies, good and bad."""
    schema = {"$ref": "#/components/schemas/Post", "components": document["components"]}
    validator = Draft202012Validator(schema)
    for body in [
        {"text": "x"},
        {"data": [1, None], "mentions": ["ann"]},
        {"text": 1},
        {"text": "x", "reply_to": 0},
        {"text": "x", "mentions": ["a b"]},
        {"text": "x", "mentions": ["a"] * 21},
        {"text": "x", "user": ""},
        [],
    ]:
        reply = await rest.ask("POST", ROOM, json=body, scope="chat.publish")
        assert validator.is_valid(body) == (reply.status == 201), body
