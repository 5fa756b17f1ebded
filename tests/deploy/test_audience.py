"""The people of a failover: whoever is cut off falls silent, and the others talk on."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from deploy.local.audience import audience
from deploy.local.waiting import until

ENOUGH: Final = 3
DEADLINE_S: Final = 10.0
SECRET: Final = "0123456789-abcdefghij-0123456789"

Cut = Callable[[web.Request, web.WebSocketResponse], Awaitable[object]]


async def close(_: web.Request, socket: web.WebSocketResponse) -> None:
    await socket.close()


async def abort(request: web.Request, _: web.WebSocketResponse) -> None:
    assert request.transport is not None
    request.transport.abort()


def server(cut: Cut) -> TestServer:
    """Return a chat server that acknowledges what is published, and cuts p0 off instead."""
    seqs = itertools.count(1)

    async def chat(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("chat.v1",))
        await socket.prepare(request)
        async for message in socket:
            frame = message.json()
            if frame["type"] == "join":
                await socket.send_json({"type": "joined"})
            elif frame["type"] == "publish" and frame["cid"].startswith("p0-"):
                await cut(request, socket)
            elif frame["type"] == "publish":
                await socket.send_json({"type": "ack", "cid": frame["cid"], "ref": next(seqs)})
        return socket

    app = web.Application()
    app.router.add_get("/ws", chat)
    return TestServer(app)


@pytest.mark.parametrize("cut", [close, abort])
async def test_a_socket_that_ends_under_a_publish_is_told(cut: Cut) -> None:
    """Who is cut off before the answer is counted, neither waits nor keeps others waiting."""
    async with asyncio.timeout(DEADLINE_S), server(cut) as served:
        url = str(served.make_url("")).rstrip("/")
        async with audience([url], SECRET, "general", 2) as (first, second):

            async def cut_off() -> bool:
                return first.socket.closed

            async def talks_on() -> bool:
                return len(second.acked) >= said + ENOUGH

            await until(cut_off, DEADLINE_S, "the first is cut off")
            said = len(second.acked)
            await until(talks_on, DEADLINE_S, "the second talks on")
            assert not second.socket.closed
    assert first.acked == {}
