"""Bad input by REST: each request gets its status and code, none a 5xx, and nothing is logged."""

import json
from typing import Any, Final

import msgspec
import pytest

from tests.chatting import token
from tests.handlers.conftest import Reply, Rest, complaints

ROOM: Final = "/v1/rooms/general/messages"
JSON: Final = "application/json"
CANARY: Final = "cAnArY"
JWT: Final = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0."

# body, status, code, field
BODIES: Final = [
    (b"", 400, "bad_request", None),
    (b" ", 400, "bad_request", None),
    (b"{", 400, "bad_request", None),
    (b"{}", 400, "bad_request", "text"),
    (b"[]", 400, "bad_request", None),
    (b"null", 400, "bad_request", None),
    (b'"cAnArY"', 400, "bad_request", None),
    (b"\x00", 400, "bad_request", None),
    (b"\xff\xfe", 400, "bad_request", None),
    (b"\xef\xbb\xbf{}", 400, "bad_request", None),
    (b'{"text":"x"}{"text":"y"}', 400, "bad_request", None),
    (b'{"text":"\xc3\x28"}', 400, "bad_request", None),
    (b'{"text":"\xed\xa0\x80"}', 400, "bad_request", None),
    (b'{"text":"\\ud800"}', 400, "bad_request", None),
    (b'{"text":"\\x"}', 400, "bad_request", None),
    (b'{"text":null}', 400, "bad_request", "text"),
    (b'{"text":""}', 400, "bad_request", "text"),
    (b'{"text":" \\u200b\\n"}', 400, "bad_request", "text"),
    (b'{"text":1}', 400, "bad_request", "text"),
    (b'{"text":["cAnArY"]}', 400, "bad_request", "text"),
    (b'{"text":"' + b"x" * 4001 + b'"}', 413, "too_large", "text"),
    (b'{"text":"' + b"x" * 17_000 + b'"}', 413, "too_large", None),
    (b'{"data":null}', 400, "bad_request", "text"),
    (b'{"data":}', 400, "bad_request", None),
    (b'{"data":NaN}', 400, "bad_request", None),
    (b'{"data":Infinity}', 400, "bad_request", None),
    (b'{"data":1e999}', 400, "bad_request", "data"),
    (b'{"data":' + b"[" * 8000 + b"]" * 8000 + b"}", 400, "bad_request", None),
    (b'{"data":"' + b"x" * 4096 + b'"}', 413, "too_large", "data"),
    (b'{"text":"x","reply_to":0}', 400, "bad_request", "reply_to"),
    (b'{"text":"x","reply_to":-1}', 400, "bad_request", "reply_to"),
    (b'{"text":"x","reply_to":1.5}', 400, "bad_request", "reply_to"),
    (b'{"text":"x","reply_to":"1"}', 400, "bad_request", "reply_to"),
    (b'{"text":"x","reply_to":' + b"9" * 5000 + b"}", 400, "bad_request", "reply_to"),
    (b'{"text":"x","mentions":"ann"}', 400, "bad_request", "mentions"),
    (b'{"text":"x","mentions":["cAnArY b"]}', 400, "bad_request", "mentions"),
    (b'{"text":"x","mentions":[1]}', 400, "bad_request", "mentions"),
    (b'{"text":"x","user":""}', 400, "bad_request", "user"),
    (b'{"text":"x","user":"cAnArY\\n"}', 400, "bad_request", "user"),
    (b'{"text":"x","user":"bo"}', 403, "forbidden", None),
]

# method, path, headers, status, code, field
REQUESTS: Final = [
    ("GET", "/", {}, 404, "not_found", None),
    ("GET", "/v1", {}, 404, "not_found", None),
    ("GET", "/v1/cAnArY", {}, 404, "not_found", None),
    ("GET", "/v1/rooms//messages", {}, 404, "not_found", None),
    ("GET", ROOM + "/", {}, 404, "not_found", None),
    ("GET", "/%2e%2e/etc/passwd", {}, 404, "not_found", None),
    ("PUT", ROOM, {}, 405, "unsupported", None),
    ("DELETE", ROOM, {}, 405, "unsupported", None),
    ("PATCH", ROOM, {}, 405, "unsupported", None),
    ("POST", "/health/live", {}, 405, "unsupported", None),
    ("GET", "/v1/rooms/-x/messages", {}, 400, "bad_request", "room"),
    ("GET", "/v1/rooms/cAnArY%20x/messages", {}, 400, "bad_request", "room"),
    ("GET", "/v1/rooms/a%2Fb/messages", {}, 400, "bad_request", "room"),
    ("GET", "/v1/rooms/a%0A/messages", {}, 400, "bad_request", "room"),
    ("GET", "/v1/rooms/%00/messages", {}, 400, "bad_request", "room"),
    ("GET", "/v1/rooms/%FF%FE/messages", {}, 400, "bad_request", "room"),
    ("GET", "/v1/rooms/%D1%8F/messages", {}, 400, "bad_request", "room"),
    ("GET", f"/v1/rooms/{'x' * 65}/messages", {}, 400, "bad_request", "room"),
    ("GET", "/v1/rooms/dm:x:y/messages", {}, 403, "forbidden", None),
    ("GET", ROOM + "?limit=0", {}, 400, "bad_request", "limit"),
    ("GET", ROOM + "?limit=101", {}, 400, "bad_request", "limit"),
    ("GET", ROOM + "?limit=cAnArY", {}, 400, "bad_request", "limit"),
    ("GET", ROOM + "?limit=", {}, 400, "bad_request", "limit"),
    ("GET", ROOM + "?limit=1.5", {}, 400, "bad_request", "limit"),
    ("GET", ROOM + "?limit=1&limit=2", {}, 400, "bad_request", "limit"),
    ("GET", ROOM + "?before=-1", {}, 400, "bad_request", "before"),
    ("GET", ROOM + "?before=null", {}, 400, "bad_request", "before"),
    ("GET", ROOM + "?after=" + "9" * 400, {}, 400, "bad_request", "after"),
    ("GET", ROOM + "?after=9007199254740993", {}, 400, "bad_request", "after"),
    ("GET", ROOM + "?after=1&before=5", {}, 400, "bad_request", "before"),
    ("GET", ROOM + "/0", {}, 400, "bad_request", "seq"),
    ("GET", ROOM + "/-1", {}, 400, "bad_request", "seq"),
    ("GET", ROOM + "/cAnArY", {}, 400, "bad_request", "seq"),
    ("GET", ROOM + "/" + "9" * 400, {}, 400, "bad_request", "seq"),
    ("GET", ROOM + "/1", {}, 404, "not_found", None),
    ("GET", "/v1/rooms/general/presence?limit=1001", {}, 400, "bad_request", "limit"),
    ("GET", "/v1/admin/connections?user=a%20b", {}, 400, "bad_request", "user"),
    ("GET", "/v1/admin/connections?room=%0A", {}, 400, "bad_request", "room"),
    ("DELETE", "/v1/admin/connections/a.b", {}, 400, "bad_request", "conn"),
    ("DELETE", "/v1/admin/connections/x", {}, 404, "not_found", None),
    ("POST", "/v1/admin/users/a%20b/disconnect", {}, 400, "bad_request", "user"),
    ("GET", ROOM, {"Authorization": ""}, 401, "token_invalid", None),
    ("GET", ROOM, {"Authorization": "cAnArY"}, 401, "token_invalid", None),
    ("GET", ROOM, {"Authorization": "Basic cAnArY"}, 401, "token_invalid", None),
    ("GET", ROOM, {"Authorization": "Bearer"}, 401, "token_invalid", None),
    ("GET", ROOM, {"Authorization": "Bearer cAnArY"}, 401, "token_invalid", None),
    ("GET", ROOM, {"Authorization": f"Bearer {JWT}"}, 401, "token_invalid", None),
    ("GET", ROOM, {"Authorization": f"Bearer {JWT} {JWT}"}, 401, "token_invalid", None),
    ("GET", ROOM, {"Authorization": "Bearer " + "x" * 7000}, 401, "token_invalid", None),
    ("GET", ROOM, {"Expect": "cAnArY"}, 417, "unsupported", None),
    ("POST", ROOM, {}, 415, "unsupported", None),
    ("POST", ROOM, {"Content-Type": "text/plain"}, 415, "unsupported", None),
    ("POST", ROOM, {"Content-Type": "application/jsonx"}, 415, "unsupported", None),
    ("POST", ROOM, {"Content-Type": JSON + "; charset=utf-16"}, 415, "unsupported", None),
    ("POST", ROOM, {"Content-Type": JSON, "Content-Encoding": "gzip"}, 415, "unsupported", None),
    ("POST", ROOM, {"Content-Type": JSON, "Idempotency-Key": ""}, 400, "bad_request", None),
    ("POST", ROOM, {"Content-Type": JSON, "Idempotency-Key": "a b"}, 400, "bad_request", None),
    ("POST", ROOM, {"Content-Type": JSON, "Idempotency-Key": "x" * 65}, 400, "bad_request", None),
    ("GET", "/ws", {}, 400, "bad_request", None),
    ("POST", "/ws", {}, 405, "unsupported", None),
]


def hold(reply: Reply, status: int, code: str, field: str | None) -> None:
    """Hold a refusal to what RFC 9457 and the error table say of it."""
    assert reply.status == status
    assert reply.headers["Content-Type"].startswith("application/problem+json")
    problem = msgspec.json.decode(reply.body)
    assert (problem["status"], problem["code"]) == (status, code)
    if field is not None:
        assert problem["field"] == field
    assert "Server" not in reply.headers
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert CANARY.lower() not in (reply.body.decode() + str(reply.headers)).lower()


@pytest.mark.parametrize(("body", "status", "code", "field"), BODIES)
async def test_bad_bodies(
    rest: Rest,
    caplog: pytest.LogCaptureFixture,
    body: bytes,
    status: int,
    code: str,
    field: str | None,
) -> None:
    """A bad body is refused by its code and field, and repeated in no part of the answer."""
    reply = await rest.ask("POST", ROOM, data=body, headers={"Content-Type": JSON})
    hold(reply, status, code, field)
    assert complaints(caplog) == []
    assert (await rest.ask("GET", ROOM)).json["head"] == 0


@pytest.mark.parametrize(("method", "path", "headers", "status", "code", "field"), REQUESTS)
async def test_bad_requests(
    rest: Rest,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    headers: dict[str, str],
    status: int,
    code: str,
    field: str | None,
) -> None:
    """A bad request line or header is refused by its code and field, and not repeated."""
    data: Any = b'{"text":"x"}' if method == "POST" else None
    with_token = {"Authorization": f"Bearer {token('ann', scope='chat.admin')}", **headers}
    reply = await rest.ask(method, path, user=None, headers=with_token, data=data)
    hold(reply, status, code, field)
    assert complaints(caplog) == []


async def test_refusals_say_what_http_wants(rest: Rest) -> None:
    """401 names the scheme, 405 the methods."""
    unknown = await rest.ask("GET", ROOM, user=None)
    assert (unknown.json["code"], unknown.headers["WWW-Authenticate"]) == ("unauthorized", "Bearer")
    assert (await rest.ask("PUT", ROOM)).headers["Allow"] == "GET,HEAD,OPTIONS,POST"


async def test_unknown_parameters_are_ignored(rest: Rest) -> None:
    """What this version does not know is not an error: query, header or field of the body."""
    body = json.dumps({"text": "x", "later": {"a": 1}})
    said = await rest.ask(
        "POST", ROOM + "?later=1", data=body, headers={"Content-Type": JSON, "X-Later": "1"}
    )
    assert said.status == 201
    assert (await rest.ask("GET", ROOM + "?later=1&later=2&limit=5")).status == 200
