"""A flood of bad tokens by REST: refused before any signature is looked at."""

import time

import jwt
import pytest

from chat.claims import Claims
from tests.chatting import SECRET, token
from tests.handlers.conftest import Rest, Start

ROOM = "/v1/rooms/general/messages"


async def ask(rest: Rest, bearer: str) -> tuple[int, str]:
    reply = await rest.ask("GET", ROOM, headers={"Authorization": f"Bearer {bearer}"})
    return reply.status, str(reply.json.get("code"))


async def test_the_flood_is_limited(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """After sixty bad tokens in a minute an address is told when to come back; none is read."""
    for _ in range(60):
        assert await ask(rest, "x.y.z") == (401, "token_invalid")
    read: list[str] = []

    async def verify(bearer: str) -> Claims:
        read.append(bearer)
        raise AssertionError

    monkeypatch.setattr(rest.node.tokens, "verify", verify)
    reply = await rest.ask("GET", ROOM, headers={"Authorization": "Bearer x.y.z"})
    assert (reply.status, reply.json["code"]) == (429, "rate_limited")
    assert 1 <= int(reply.headers["Retry-After"]) <= 60
    assert read == []


async def test_good_and_expired_tokens_are_no_flood(rest: Rest) -> None:
    """Good tokens, expired ones and none at all are not counted."""
    begun = int(time.time()) - 120
    claims = {"aud": "chat", "sub": "ann", "iat": begun, "exp": begun + 60}
    old = jwt.encode(claims, SECRET, algorithm="HS256")
    for _ in range(65):
        assert (await ask(rest, token("ann")))[0] == 200
        assert await ask(rest, old) == (401, "token_expired")
        assert (await rest.ask("GET", ROOM, user=None)).status == 401
    assert await ask(rest, "x.y.z") == (401, "token_invalid")


async def test_others_behind_the_proxy_go_on(rest_with: Start) -> None:
    """The count is of the client's address that a trusted proxy tells, not of the proxy."""
    rest = await rest_with(TRUSTED_PROXIES="127.0.0.1")
    bad, good = {"Authorization": "Bearer x.y.z"}, {"Authorization": f"Bearer {token('ann')}"}
    flooder, other = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
    replies = [await rest.ask("GET", ROOM, headers=bad | flooder) for _ in range(61)]
    assert [reply.status for reply in replies[-2:]] == [401, 429]
    assert (await rest.ask("GET", ROOM, headers=good | flooder)).status == 429
    assert (await rest.ask("GET", ROOM, headers=good | other)).status == 200
