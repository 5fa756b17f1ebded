"""A chat room as most tutorials write it: aiohttp, Redis pub/sub, one awaited send a member."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict

import uvloop
from aiohttp import WSMsgType, web
from redis.asyncio import Redis

rooms: dict[str, set[web.WebSocketResponse]] = defaultdict(set)
redis: Redis | None = None


async def deliver(room: str, text: str) -> None:
    """Sends to every member in turn, as aiohttp's own chat demo does."""
    for ws in list(rooms[room]):
        if not ws.closed:
            await ws.send_str(text)


async def publish(room: str, text: str) -> None:
    """To every process over Redis, or straight to this one's members without it."""
    if redis is None:
        await deliver(room, text)
    else:
        await redis.publish(f"room:{room}", text)


async def relay(feed: Redis) -> None:
    """Hands on what Redis publishes, for ever."""
    async with feed.pubsub() as pubsub:
        await pubsub.psubscribe("room:*")
        async for message in pubsub.listen():
            if message["type"] == "pmessage":
                await deliver(message["channel"].decode()[5:], message["data"].decode())


async def chat(request: web.Request) -> web.WebSocketResponse:
    """One connection: `join` enters a room, `publish` says something in it."""
    ws = web.WebSocketResponse(heartbeat=25.0, compress=False)
    await ws.prepare(request)
    joined, user = "", ""
    async for frame in ws:
        if frame.type is not WSMsgType.TEXT:
            continue
        command = json.loads(frame.data)
        if command["type"] == "join":
            joined, user = command["room"], command["user"]
            rooms[joined].add(ws)
            await ws.send_str(json.dumps({"type": "joined", "room": joined}))
        else:
            event = {"type": "message", "room": joined, "user": user, "ts": time.time()}
            await publish(joined, json.dumps(event | {"text": command["text"]}))
    rooms[joined].discard(ws)
    return ws


async def main(port: int, url: str) -> None:
    """Listens on the port until it is killed."""
    global redis
    tasks = []
    if not url.startswith("memory:"):
        redis = Redis.from_url(url)
        tasks.append(asyncio.create_task(relay(Redis.from_url(url))))
    app = web.Application()
    app.router.add_get("/ws", chat)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await asyncio.gather(asyncio.Event().wait(), *tasks)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
