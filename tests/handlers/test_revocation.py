"""Tokens taken back before they expire, of a user or by their id, on both edges."""

import time

import jwt
import pytest

from tests.chatting import SECRET
from tests.handlers.conftest import Reply, Rest

ROOM = "/v1/rooms/general/messages"


def issued(user: str, ago: int, jti: str | None = None) -> str:
    """Return a token of that age in seconds."""
    at = int(time.time()) - ago
    claims = {"sub": user, "aud": "chat", "iat": at, "exp": at + 3_600, "rooms": {"*": "rw"}}
    return jwt.encode(claims | ({"jti": jti} if jti else {}), SECRET, "HS256")


async def revoke(rest: Rest, what: str) -> Reply:
    return await rest.ask("POST", f"/v1/admin/{what}/revoke", user="root", scope="chat.admin")


async def read(rest: Rest, bearer: str) -> int:
    return (await rest.ask("GET", ROOM, headers={"Authorization": f"Bearer {bearer}"})).status


async def test_a_user_is_revoked(rest: Rest) -> None:
    """Open sockets end with 4103, old tokens open nothing, a newer one and others' do.

    A successor that is issued in the same second would be revoked too: it is asked for later.
    """
    old, other, newer = issued("bo", 60), issued("ann", 60), issued("bo", -5)
    async with rest.served.client() as client, rest.served.client() as bystander:
        await client.ask({"type": "auth", "token": old})
        await bystander.ask({"type": "auth", "token": other})
        began = time.monotonic()
        assert (await revoke(rest, "users/bo")).status == 204
        closed = await client.closing()
        assert (closed.code, closed.reason) == (4103, "token_revoked retry=2000")
        assert time.monotonic() - began < 5
        assert (await bystander.ask({"type": "ping"}))["type"] == "pong"
    assert await read(rest, old) == 401
    assert (await read(rest, other), await read(rest, newer)) == (200, 200)
    async with rest.served.client() as client:
        assert (await client.ask({"type": "auth", "token": old}))["code"] == "token_invalid"
        assert (await client.closing()).code == 4103


async def test_a_token_is_revoked(rest: Rest) -> None:
    """The token of that id ends; another one of the same user goes on."""
    gone, kept = issued("bo", 60, "t1"), issued("bo", 60, "t2")
    assert (await revoke(rest, "tokens/t1")).status == 204
    assert (await read(rest, gone), await read(rest, kept)) == (401, 200)


@pytest.mark.parametrize("what", ["users/bo", "tokens/t1"])
async def test_revoking_takes_the_scope(rest: Rest, what: str) -> None:
    """Without chat.admin nothing is revoked."""
    refused = await rest.ask("POST", f"/v1/admin/{what}/revoke", scope="chat.publish")
    assert refused.status == 403
    assert await read(rest, issued("bo", 60, "t1")) == 200
