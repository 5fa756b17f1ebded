"""A chat room in python-socketio: rooms and emits are its own, processes meet over Redis."""

# mypy: disable-error-code="import-not-found, untyped-decorator"
from __future__ import annotations

import os
import time
from typing import Any

import socketio

from bench.peers import feed


def _manager_url(url: str) -> str:
    """The library wants a sentinel URL's path the other way round: `/0/name`."""
    if not url.startswith("redis+sentinel:"):
        return url
    addresses, master = feed.sentinels(url)
    hosts = ",".join(f"{host}:{port}" for host, port in addresses)
    return f"redis+sentinel://{hosts}/0/{master}"


users: dict[str, str] = {}
manager = socketio.AsyncRedisManager(_manager_url(os.environ["BENCH_REDIS_URL"]))
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
