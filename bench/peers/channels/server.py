"""A chat room in Django Channels: one group a room, one consumer a connection."""

# mypy: disable-error-code="import-not-found, import-untyped"
from __future__ import annotations

import os
import time
from typing import Any

import django
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path

from bench.peers import feed

CAPACITY = 10_000
"""Messages waiting in one channel, and connections: over 100 of either the defaults lose some."""

READ_TIMEOUT = 30.0
"""Seconds; the layer blocks for 5 in one read, which is redis-py 8's own default timeout."""


def _layer() -> dict[str, Any]:
    name, url = os.environ["BENCH_LAYER"], os.environ["BENCH_REDIS_URL"]
    host: dict[str, Any] = {"address": url}
    if url.startswith("redis+sentinel:"):
        addresses, master = feed.sentinels(url)
        host = {"sentinels": addresses, "master_name": master}
    limits = {"max_connections": CAPACITY, "socket_timeout": READ_TIMEOUT}
    options: dict[str, Any] = {"hosts": [host | limits]}
    if name.endswith(".RedisChannelLayer"):
        options["capacity"] = CAPACITY
    return {"BACKEND": name, "CONFIG": options}


settings.configure(
    DEBUG=False,
    SECRET_KEY=os.urandom(32).hex(),
    ALLOWED_HOSTS=["127.0.0.1"],
    CHANNEL_LAYERS={"default": _layer()},
)
django.setup()


class Chat(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """One connection: `join` enters a room, `publish` says something in it."""

    room = ""
    user = ""

    async def receive_json(self, content: dict[str, Any]) -> None:
        """A command from the client."""
        if content["type"] == "join":
            self.room, self.user = content["room"], content["user"]
            await self.channel_layer.group_add(self.room, self.channel_name)
            await self.send_json({"type": "joined", "room": self.room})
        else:
            event = {"room": self.room, "user": self.user, "ts": time.time()}
            event |= {"type": "chat.message", "text": content["text"]}
            await self.channel_layer.group_send(self.room, event)

    async def chat_message(self, event: dict[str, Any]) -> None:
        """A message of the group, on to the client."""
        await self.send_json(event | {"type": "message"})

    async def disconnect(self, code: int) -> None:  # noqa: ARG002 (the library's signature)
        """Leaves the group."""
        if self.room:
            await self.channel_layer.group_discard(self.room, self.channel_name)


app = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": URLRouter([path("ws", Chat.as_asgi())]),
    }
)
