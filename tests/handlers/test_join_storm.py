"""A thousand joins at random moments under publishing, sockets killed: no client has a gap."""

import asyncio
import random

import pytest

from tests.chatting import Client, Closed, Frame, Served
from tests.conftest import Serve

CLIENTS = 100
SESSIONS = 10
MESSAGES = 2_000
ROOM = {"room": "general"}


class Follower:
    """A device that keeps its position over reconnects, as a hand-written client does."""

    def __init__(self, name: str, chance: random.Random) -> None:
        self.name = name
        self.seqs: list[int] = []
        self._epoch: str | None = None
        self._chance = chance

    async def live(self, served: Served) -> None:
        """Connect, join, be cut off at a random moment; at last stay until the end is reached."""
        for _ in range(SESSIONS - 1):
            await self._session(served, self._chance.random() * 0.3)
        async with served.client() as client:
            await self._join(client)
            while not self.seqs or self.seqs[-1] < MESSAGES:
                self._take(await client.receive())

    async def _session(self, served: Served, seconds: float) -> None:
        async with served.client() as client:
            try:
                async with asyncio.timeout(seconds):
                    await self._join(client)
                    while True:
                        self._take(await client.receive())
            except (TimeoutError, Closed):
                connection = client.socket._response.connection
                if connection is not None and connection.transport is not None:
                    connection.transport.abort()

    async def _join(self, client: Client) -> None:
        client.patience = None  # the test as a whole has a deadline; one per frame is a load
        batch = self._chance.random() < 0.5
        await client.sign_in(self.name, batch=batch)
        since = {"since": self.seqs[-1], "epoch": self._epoch} if self.seqs else {"history": 100}
        await client.send({"type": "join", **ROOM, **since})

    def _take(self, frame: Frame) -> None:
        self._epoch = frame.get("epoch", self._epoch)
        assert "reset" not in frame
        events = frame.get("events", [frame] if "seq" in frame else [])
        self.seqs.extend(event["seq"] for event in events)


async def publish_all(served: Served) -> None:
    async with served.client() as client:
        await client.sign_in("publisher")
        for i in range(0, MESSAGES, 10):
            texts = [{"type": "publish", **ROOM, "text": f"{i + k}"} for k in range(10)]
            await client.send(*texts)
            for _ in texts:
                await client.until("ack")
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("seed", [1])
async def test_join_storm(serve: Serve, seed: int) -> None:
    """No client misses, doubles or reorders an event, whatever moment it joins or is cut off at."""
    # A thousand joins are a load: debug mode's stack for every callback would be most of it.
    asyncio.get_running_loop().set_debug(False)
    served = await serve(WEBSOCKET_MAX_CONNECTIONS_PER_USER=100)
    chance = random.Random(seed)
    followers = [Follower(f"u{i}", random.Random(chance.random())) for i in range(CLIENTS)]
    async with asyncio.timeout(50), asyncio.TaskGroup() as tasks:
        for follower in followers:
            tasks.create_task(follower.live(served))
        await publish_all(served)
    for follower in followers:
        contiguous = list(range(follower.seqs[0], MESSAGES + 1))
        assert follower.seqs == contiguous, follower.name
