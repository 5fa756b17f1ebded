"""Cross-origin requests: exactly the configured origins, and what scripts may send and read."""

import pytest

from tests.chatting import ORIGIN
from tests.handlers.conftest import Reply, Rest

ROOM = "/v1/rooms/general/messages"


async def preflight(
    rest: Rest, origin: str, method: str, headers: str = "", path: str = ROOM
) -> Reply:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    return await rest.ask("OPTIONS", path, user=None, headers=asked)


async def test_preflight(rest: Rest) -> None:
    """A configured origin may send every header of the protocol, with credentials."""
    admitted = "authorization, content-type, idempotency-key, prefer, traceparent"
    answer = await preflight(rest, ORIGIN, "POST", admitted)
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(",")
    assert set(allowed) == set(admitted.split(", "))
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "*",
        "http://localhost:3000.evil.example",
        "https://localhost:3000",
        "HTTP://LOCALHOST:3000",
        "http://localhost:30001",
        f"{ORIGIN}/",
        "",
    ],
)
async def test_foreign_origins(rest: Rest, origin: str) -> None:
    """Any other origin is refused its preflight, and no answer can be read by it."""
    refused = await preflight(rest, origin, "POST")
    assert (refused.status, refused.json["code"]) == (403, "forbidden")
    answer = await rest.ask("GET", ROOM, headers={"Origin": origin})
    for reply in (refused, answer):
        assert not any(name.startswith("Access-Control-") for name in reply.headers)
        assert "Origin" in reply.headers["Vary"]


@pytest.mark.parametrize(
    ("method", "headers"), [("DELETE", ""), ("PUT", ""), ("POST", "x-evil"), ("EVIL<b>", "")]
)
async def test_foreign_methods_and_headers(rest: Rest, method: str, headers: str) -> None:
    """A method the route has not, or another header, is refused and not repeated."""
    refused = await preflight(rest, ORIGIN, method, headers)
    assert refused.status == 403
    assert b"evil" not in refused.body.lower()


async def test_what_scripts_may_read(rest: Rest) -> None:
    """Successes and refusals alike expose the protocol's headers to a configured origin."""
    for path, status in [(ROOM, 200), (f"{ROOM}?limit=0", 400)]:
        answer = await rest.ask("GET", path, headers={"Origin": ORIGIN})
        assert answer.status == status
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        exposed = set(answer.headers["Access-Control-Expose-Headers"].split(","))
        assert exposed >= {
            "Link",
            "Location",
            "Retry-After",
            "RateLimit",
            "RateLimit-Policy",
            "Idempotency-Replayed",
        }


async def test_plain_options(rest: Rest) -> None:
    """OPTIONS that is no preflight names the methods; of an unknown route it is 404."""
    answer = await rest.ask("OPTIONS", ROOM, user=None)
    assert (answer.status, answer.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert (await rest.ask("OPTIONS", "/v1/nowhere", user=None)).status == 404
