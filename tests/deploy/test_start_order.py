"""The order in which things start does not matter."""

import asyncio

import aiohttp

from deploy.local.audience import ticket
from deploy.local.cluster import Cluster
from deploy.local.demo import GENEROUS
from deploy.local.waiting import together, until

READY_S = 30.0


async def status(session: aiohttp.ClientSession, url: str) -> int:
    try:
        async with session.get(url) as answer:
            return answer.status
    except aiohttp.ClientError:
        return 0


async def test_chat_servers_first_and_redis_later() -> None:
    """Servers that find no Redis live, say that they are not ready, and are once Redis is there."""
    async with Cluster(settings=GENEROUS) as cluster, aiohttp.ClientSession() as session:
        for node in cluster.everybody:
            await cluster.kill(node)
        chats = [cluster.chat(), cluster.chat()]
        for chat in chats:
            chat.process.start()

            async def lives(url: str = chat.url) -> bool:
                return await status(session, f"{url}/health/live") == 200

            await until(lives, READY_S, f"{chat.name} lives")
            assert await status(session, f"{chat.url}/health/ready") == 503
        await asyncio.gather(*(node.start() for node in cluster.nodes))
        await together(*(sentinel.start() for sentinel in cluster.sentinels))
        await together(*(chat.process.ready(chat.is_ready, READY_S) for chat in chats))
        headers = {"Authorization": f"Bearer {ticket(cluster.jwt_secret, 'ann')}"}
        for chat in chats:
            url = f"{chat.url}/v1/rooms/general/messages"
            async with session.post(url, json={"text": "hello"}, headers=headers) as answer:
                assert answer.status == 201, await answer.text()
