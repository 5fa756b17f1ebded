"""A chat room in python-socketio: rooms and emits are its own, processes meet over Redis."""

# mypy: disable-error-code="import-not-found, untyped-decorator"
from __future__ import annotations

import os
import time
from typing import Any

import socketio

users: dict[str, str] = {}
manager = socketio.AsyncRedisManager(os.environ["BENCH_REDIS_URL"])
sio = socketio.AsyncServer(async_mode="asgi", client_manager=manager, transports=["websocket"])
app = socketio.ASGIApp(sio)


@sio.event
async def join(sid: str, command: dict[str, Any]) -> None:
    """Enters the room and says so."""
    users[sid] = command["user"]
    await sio.enter_room(sid, command["room"])
    await sio.emit("joined", {"room": command["room"]}, to=sid)


@sio.event
async def publish(sid: str, command: dict[str, Any]) -> None:
    """Says something to everybody in the room."""
    room = command["room"]
    event = {"room": room, "user": users[sid], "ts": time.time(), "text": command["text"]}
    await sio.emit("message", event, to=room)


@sio.event
async def disconnect(sid: str, reason: str) -> None:  # noqa: ARG001 (the library's signature)
    """Forgets who it was."""
    users.pop(sid, None)
