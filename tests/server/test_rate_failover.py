"""Publishes of one user in a minute: exactly the limit, whatever dies in it."""

import asyncio
import time
from typing import Final

import aiohttp
import pytest

from deploy.local.chat_node import ChatNode
from deploy.local.cluster import Cluster
from tests.server.test_revocation import issued

LIMIT: Final = 40
WINDOW_S: Final = 60
ATTEMPTS: Final = 50
PROMOTED_S: Final = 20.0

pytestmark = pytest.mark.timeout(120)


async def publish(session: aiohttp.ClientSession, chat: ChatNode, key: str) -> int:
    """Say something once under a key; return the status."""
    headers = {"Idempotency-Key": key, "Prefer": "wait=15"}
    url = f"{chat.url}/v1/rooms/general/messages"
    async with session.post(url, json={"text": key}, headers=headers) as answer:
        return answer.status


async def test_the_rate_holds_through_a_failover() -> None:
    """Of 170 attempts, amid which the master and a node are killed, the limit is let in.

    What is let in after the failover counts together with what was before it: the rate is part of
    the append, so it is on every replica that could be elected.
    """
    settings = {"RATE_LIMIT_MESSAGES_PER_MINUTE": str(LIMIT)}
    async with Cluster(chats=2, settings=settings) as cluster:
        headers = {"Authorization": f"Bearer {issued(cluster, 'bo', 't1')}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            one, other = cluster.chats
            began = time.monotonic()
            before = [await publish(session, one, f"a{number}") for number in range(LIMIT // 2)]
            assert before == [201] * len(before)
            await cluster.kill(one)
            master = await cluster.master()
            await cluster.kill(master)
            amid = await asyncio.gather(
                *(publish(session, other, f"b{number}") for number in range(ATTEMPTS))
            )
            await one.start()
            after = await asyncio.gather(
                *(publish(session, chat, f"c{n}") for n in range(ATTEMPTS) for chat in (one, other))
            )
            repeated = await publish(session, one, "a0")
        assert time.monotonic() - began < WINDOW_S
        assert set(amid) == {201, 429}
        assert set(after) == {429}
        assert len(before) + amid.count(201) == LIMIT
        assert repeated == 200
