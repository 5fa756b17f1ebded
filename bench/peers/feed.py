"""What the raw peers share of Redis: a client as its documentation advises, and a pub/sub relay."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from redis.asyncio import BlockingConnectionPool, Redis, Sentinel
from redis.exceptions import RedisError

CONNECTIONS = 64
"""In the pool; the pool of the defaults raises at its 101st concurrent command."""

SENTINEL_TIMEOUT = 0.5
RETRY_AFTER = 0.1
PREFIX = "room:"


def sentinels(url: str) -> tuple[list[tuple[str, int]], str]:
    """Addresses and master's name in `redis+sentinel://host:port,host:port/name/0`."""
    hosts, name, _ = url.removeprefix("redis+sentinel://").split("/")
    pairs = (host.split(":") for host in hosts.split(","))
    return [(host, int(port)) for host, port in pairs], name


def connect(url: str) -> Redis:
    """A client of the one Redis, or of the master that the sentinels name."""
    if not url.startswith("redis+sentinel:"):
        pool = BlockingConnectionPool.from_url(url, max_connections=CONNECTIONS)
        return Redis(connection_pool=pool)
    hosts, name = sentinels(url)
    watch = Sentinel(hosts, socket_timeout=SENTINEL_TIMEOUT)  # type: ignore[no-untyped-call]
    master: Redis = watch.master_for(name)
    return master


async def relay(redis: Redis, deliver: Callable[[str, str], Awaitable[None]]) -> None:
    """Hands on what Redis publishes in any room, for ever, subscribing again after errors."""
    while True:
        try:
            await _listen(redis, deliver)
        except RedisError as error:
            print(f"relay: {error}", file=sys.stderr)
            await asyncio.sleep(RETRY_AFTER)


async def _listen(redis: Redis, deliver: Callable[[str, str], Awaitable[None]]) -> None:
    async with redis.pubsub() as pubsub:
        await pubsub.psubscribe(PREFIX + "*")
        async for message in pubsub.listen():
            if message["type"] == "pmessage":
                room = message["channel"].decode().removeprefix(PREFIX)
                await deliver(room, message["data"].decode())


async def publish(redis: Redis, room: str, text: str) -> bool:
    """Publishes; False where Redis would not have it."""
    try:
        await redis.publish(PREFIX + room, text)
    except RedisError as error:
        print(f"publish: {error}", file=sys.stderr)
        return False
    return True
