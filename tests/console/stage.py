"""What stands behind the pictures: servers, people who talk, and windows to look at it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, NamedTuple

from deploy.local.cluster import Cluster
from tests.chatting import Client, Served, serving

RECOVERY_S: Final = 20.0
PACE_S: Final = 0.1  # of the room that is there for the rates
BUSY: Final = "builds"
ROOMS: Final = ("general", "ops", "random")
TALK: Final = [
    ("bo", "general", "Deploying 2.4 to the second node now."),
    ("cy", "general", "Go ahead, I am watching the graphs."),
    ("bo", "general", "Done. Its clients moved over to the others, nobody complained."),
    ("bo", "ops", "Who is on call this week?"),
    ("cy", "ops", "I am. It has been quiet so far."),
    ("cy", "random", "Lunch at half past twelve?"),
]


class Stage(NamedTuple):
    """Servers, one or two; bo, who is on the last of them; the cluster, if there is one."""

    servers: list[Served]
    bo: Client
    cluster: Cluster | None


@asynccontextmanager
async def stage(*, on_redis: bool) -> AsyncIterator[Stage]:
    """Run one server alone, or two on a cluster, and let people talk there."""
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(Cluster(failover=True)) if on_redis else None
        environment = {"REDIS_URL": cluster.url()} if cluster else {}
        servers = [
            await stack.enter_async_context(serving(dev=True, **environment))
            for _ in range(2 if on_redis else 1)
        ]
        for server in servers:
            await up(server)
        bo, cy, di = [await stack.enter_async_context(servers[-1].client()) for _ in range(3)]
        await talk({"bo": bo, "cy": cy})
        await di.sign_in("di", client="ci-bot/1.4")
        work = [
            asyncio.create_task(listen(bo)),
            asyncio.create_task(listen(cy)),
            asyncio.create_task(report(di)),
        ]
        try:
            yield Stage(servers, bo, cluster)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)


async def up(served: Served) -> None:
    """Wait until the storage is there."""
    async with asyncio.timeout(RECOVERY_S):
        while not served.node.engine.storage.up:
            await asyncio.sleep(PACE_S)


async def talk(people: dict[str, Client]) -> None:
    """Let two people say what they have to say."""
    for user, client in people.items():
        await client.sign_in(user, client="holdfast-client/0.1.0")
        for room in ROOMS:
            await client.join(room, presence=True)
    for user, room, text in TALK:
        await people[user].publish(text, room)


async def listen(client: Client) -> None:
    """Read what comes: who does not is taken for gone."""
    async for _ in client.socket:
        pass


async def report(client: Client) -> None:
    """Say something again and again, in a room of its own, so that there are rates."""
    await client.join(BUSY)
    client.patience = None
    while True:
        await client.ask({"type": "publish", "room": BUSY, "text": "step passed"})
        await asyncio.sleep(PACE_S)
