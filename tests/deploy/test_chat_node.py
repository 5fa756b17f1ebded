"""A chat server as a process: ready when it says so, and back at the same address."""

from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from deploy.local.chat_node import ChatNode
from deploy.local.cluster import Cluster
from deploy.local.process import DiedError

IN_MEMORY: Mapping[str, str] = {"REDIS_URL": "memory://", "DRAIN_SECONDS": "1"}


@pytest.fixture
async def chat() -> AsyncIterator[ChatNode]:
    async with Cluster(replicas=0, sentinels=0, chats=1, settings=IN_MEMORY) as cluster:
        yield cluster.chats[0]


async def status(chat: ChatNode) -> int:
    where = f"{chat.url}/health/live"
    async with aiohttp.ClientSession() as session, session.get(where) as answer:
        return answer.status


async def test_a_started_server_answers_at_its_url(chat: ChatNode) -> None:
    """What `url` names is the server, from the moment the cluster is up."""
    assert await status(chat) == 200
    assert await chat.is_ready()


async def test_a_killed_server_comes_back_at_the_same_address(chat: ChatNode) -> None:
    """After a kill nobody is there; after a start the same URL answers."""
    url = chat.url
    await chat.kill()
    assert not await chat.is_ready()
    with pytest.raises(aiohttp.ClientConnectorError):
        await status(chat)
    await chat.start()
    assert (await status(chat), chat.url) == (200, url)


async def test_a_server_that_is_asked_to_end_ends_well(chat: ChatNode) -> None:
    """SIGTERM ends it with status 0."""
    assert await chat.process.terminate(15) == 0


async def test_a_server_with_bad_settings_says_so() -> None:
    """A server that refuses its settings fails the start with what it says about them."""
    async with Cluster(replicas=0, sentinels=0) as cluster:
        wrong = cluster.chat({"PORT": "no port"})
        with pytest.raises(DiedError, match="PORT"):
            await wrong.start()


async def test_the_environment_of_the_starter_does_not_leak(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A variable of this process that would stop a server does not reach it."""
    monkeypatch.setenv("WEBSOCKET_TIMEOUT", "never")
    async with Cluster(replicas=0, sentinels=0, chats=1, settings=IN_MEMORY) as cluster:
        assert await cluster.chats[0].is_ready()
