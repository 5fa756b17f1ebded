"""Tokens taken back on one of two servers: gone on both, on a third, and through a failover."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import jwt
import pytest

from deploy.local.chat_node import ChatNode
from deploy.local.cluster import Cluster
from tests.chatting import Client

REVOKED_S = 5.0
PROMOTED_S = 20.0
HELD_S = 20.0
ROOM = "/v1/rooms/general/messages"

pytestmark = pytest.mark.timeout(120)


def issued(cluster: Cluster, user: str, jti: str, scope: str = "") -> str:
    """Return a token that is a minute old."""
    at = int(time.time()) - 60
    claims = {"sub": user, "aud": "chat", "iat": at, "exp": at + 3_600, "rooms": {"*": "rw"}}
    return jwt.encode(claims | {"jti": jti, "scope": scope}, cluster.jwt_secret, "HS256")


@asynccontextmanager
async def signed_in(chats: Sequence[ChatNode], token: str) -> AsyncIterator[list[Client]]:
    """Sockets that were welcomed, one on each server."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        clients = [
            Client(await stack.enter_async_context(session.ws_connect(f"{chat.url}/ws")))
            for chat in chats
        ]
        for client in clients:
            assert (await client.ask({"type": "auth", "token": token}))["type"] == "welcome"
        yield clients


async def ask(chat: ChatNode, method: str, path: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(HELD_S)
    async with (
        aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
        session.request(method, chat.url + path) as answer,
    ):
        return answer.status


async def revoke(cluster: Cluster, what: str) -> float:
    """Revoke at the first server; return when that was promised, by the monotonic clock."""
    admin = issued(cluster, "root", "root", "chat.admin")
    assert await ask(cluster.chats[0], "POST", f"/v1/admin/{what}/revoke", admin) == 204
    return time.monotonic()


async def assert_gone(clients: Sequence[Client], since: float) -> None:
    """All end by 4103 in time."""
    ends = await asyncio.gather(*(client.closing() for client in clients))
    assert [end.code for end in ends] == [4103] * len(clients)
    assert time.monotonic() - since < REVOKED_S


async def assert_refused(chats: Sequence[ChatNode], token: str) -> None:
    """Both edges of each server take the token no more."""
    async with aiohttp.ClientSession() as session:
        for chat in chats:
            assert await ask(chat, "GET", ROOM, token) == 401
            async with session.ws_connect(f"{chat.url}/ws") as socket:
                client = Client(socket)
                refused = await client.ask({"type": "auth", "token": token})
                assert refused["code"] == "token_invalid"
                assert (await client.closing()).code == 4103


async def test_revoked_on_all_servers() -> None:
    """A user's sockets on both end within five seconds; a third server that starts later knows."""
    async with Cluster(chats=2) as cluster:
        gone, kept = issued(cluster, "bo", "t1"), issued(cluster, "ann", "t2")
        async with (
            signed_in(cluster.chats, gone) as clients,
            signed_in(cluster.chats, kept) as others,
        ):
            await assert_gone(clients, await revoke(cluster, "users/bo"))
            for other in others:
                assert (await other.ask({"type": "ping"}))["type"] == "pong"
        await cluster.chat().start()
        await assert_refused(cluster.chats, gone)
        assert [await ask(chat, "GET", ROOM, kept) for chat in cluster.chats] == [200] * 3


async def test_revoked_through_a_failover() -> None:
    """What was revoked before the master died, and while there was none, stays so everywhere."""
    async with Cluster(chats=2) as cluster:
        before, amid = issued(cluster, "bo", "t1"), issued(cluster, "bo", "t2")
        async with signed_in(cluster.chats, amid) as clients:
            await revoke(cluster, "tokens/t1")
            master = await cluster.master()
            await cluster.kill(master)
            await assert_gone(clients, await revoke(cluster, "tokens/t2"))
            await cluster.wait_for_new_master(master, PROMOTED_S)
        await cluster.chat().start()
        for token in (before, amid):
            await assert_refused(cluster.chats, token)


async def test_revoked_where_it_could_not_be_heard() -> None:
    """A server that was cut off from everything learns of it within five seconds of its return."""
    async with Cluster(chats=2, mesh=True) as cluster:
        near, far = cluster.chats
        token = issued(cluster, "bo", "t1")
        async with signed_in([near], token) as here, signed_in([far], token) as there:
            cluster.mesh.isolate(far.name, (node.name for node in cluster.everybody))
            await assert_gone(here, await revoke(cluster, "tokens/t1"))
            assert (await there[0].ask({"type": "ping"}))["type"] == "pong"
            cluster.mesh.heal()
            await assert_gone(there, time.monotonic())
        await assert_refused(cluster.chats, token)
