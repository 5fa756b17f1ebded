"""A chat room in FastAPI: each message through Redis pub/sub, then one awaited send a member."""

# mypy: disable-error-code="import-not-found, untyped-decorator"
from __future__ import annotations

import asyncio
import json
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from bench.peers import feed

redis = feed.connect(os.environ["BENCH_REDIS_URL"])
rooms: dict[str, set[WebSocket]] = defaultdict(set)


async def deliver(room: str, text: str) -> None:
    """Sends to every member in turn."""
    for ws in list(rooms[room]):
        await ws.send_text(text)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Keeps the relay running while the application does."""
    task = asyncio.create_task(feed.relay(redis, deliver))
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def chat(ws: WebSocket) -> None:
    """One connection: `join` enters a room, `publish` says something in it."""
    await ws.accept()
    joined, user = "", ""
    try:
        while True:
            command = json.loads(await ws.receive_text())
            if command["type"] == "join":
                joined, user = command["room"], command["user"]
                rooms[joined].add(ws)
                await ws.send_text(json.dumps({"type": "joined", "room": joined}))
            else:
                event = {"type": "message", "room": joined, "user": user, "ts": time.time()}
                await feed.publish(redis, joined, json.dumps(event | {"text": command["text"]}))
    except WebSocketDisconnect:
        rooms[joined].discard(ws)
