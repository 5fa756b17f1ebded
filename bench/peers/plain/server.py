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

from bench.peers import feed

PING_INTERVAL = 25.0
BACKLOG = 4096

rooms: dict[str, set[web.WebSocketResponse]] = defaultdict(set)
REDIS = web.AppKey("redis", Redis)


async def deliver(room: str, text: str) -> None:
    """Sends to every member in turn, as aiohttp's own chat demo does."""
    for ws in list(rooms[room]):
        if not ws.closed:
            await ws.send_str(text)


async def publish(app: web.Application, room: str, text: str) -> None:
    """To every process over Redis, or straight to this one's members without it."""
    if (redis := app.get(REDIS)) is None:
        await deliver(room, text)
    else:
        await feed.publish(redis, room, text)


async def chat(request: web.Request) -> web.WebSocketResponse:
    """One connection: `join` enters a room, `publish` says something in it."""
    ws = web.WebSocketResponse(heartbeat=PING_INTERVAL, compress=False)
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
            await publish(request.app, joined, json.dumps(event | {"text": command["text"]}))
    rooms[joined].discard(ws)
    return ws


async def main(port: int, url: str) -> None:
    """Listens on the port until it is killed."""
    app, tasks = web.Application(), []
    if not url.startswith("memory:"):
        redis = feed.connect(url)
        app[REDIS] = redis
        tasks.append(asyncio.create_task(feed.relay(redis, deliver)))
    app.router.add_get("/ws", chat)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=BACKLOG).start()
    await asyncio.gather(asyncio.Event().wait(), *tasks)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
