"""The client on two real servers over a real Redis, with everything breaking at once."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Final

import aiohttp
import pytest

from deploy.local.cluster import Cluster
from deploy.local.demo import GENEROUS
from server.environment import Secret
from server.tokens import mint
from tests.client.node import NODE, node

PEOPLE: Final = ["ann", "bo", "cy", "di", "ed", "flo"]
ROOM: Final = "simulation"
FAILOVER_AT: Final = 350  # of 1,000 messages
POLL_S: Final = 0.1
SEED: Final = "1"

pytestmark = pytest.mark.skipif(NODE is None, reason="Node 20 or newer is not installed")


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """Run three Redis, three sentinels and two chat servers."""
    async with Cluster(chats=2, settings=GENEROUS) as cluster:
        yield cluster


async def test_every_view_is_the_log(cluster: Cluster) -> None:
    """Sockets are cut at random and the master is killed while six people say 1,000 things."""
    tokens = {user: token(cluster, user) for user in PEOPLE}
    killing = asyncio.create_task(kill_master(cluster, tokens["ann"]))
    try:
        output = await node(
            "--test",
            "nodes.test.mjs",
            CHAT_PORTS=json.dumps([chat.port for chat in cluster.chats]),
            CHAT_TOKENS=json.dumps(tokens),
            SEED=SEED,
        )
    finally:
        killing.cancel()
        await asyncio.gather(killing, return_exceptions=True)
    print(output)  # noqa: T201 - how often what broke; pytest shows it with -rP
    assert "# pass 1" in output
    assert FAILOVER_AT <= killing.result() < 1000
    assert (await cluster.roles())["redis-1"] == "unreachable"
    assert "master" in (await cluster.roles()).values()


def token(cluster: Cluster, user: str) -> str:
    """Return a token for the room of the simulation."""
    return mint(Secret(cluster.jwt_secret), user, {ROOM: "rw"}, audience="chat")


async def kill_master(cluster: Cluster, token: str) -> int:
    """Kill the master once so much is said; return how much that was."""
    master = await cluster.master()
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(cluster.chats[0].url, headers=headers) as session:
        head = 0
        while head < FAILOVER_AT:
            await asyncio.sleep(POLL_S)
            async with session.get(f"/v1/rooms/{ROOM}/messages", params={"limit": 1}) as answer:
                head = (await answer.json())["head"]
    await cluster.kill(master)
    return int(head)
