"""The people of a failover: whoever is cut off falls silent, and the others talk on; all end."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from redis import ResponseError

from deploy.local.audience import audience
from deploy.local.cluster import Cluster
from deploy.local.demo import _answer
from deploy.local.failover import Report
from deploy.local.waiting import until

ENOUGH: Final = 3
DEADLINE_S: Final = 10.0
SECRET: Final = "0123456789-abcdefghij-0123456789"

# What becomes of p0's publishes.
Fate = Callable[[web.Request, web.WebSocketResponse, str], Awaitable[object]]


async def close(_: web.Request, socket: web.WebSocketResponse, __: str) -> None:
    await socket.close()


async def abort(request: web.Request, _: web.WebSocketResponse, __: str) -> None:
    assert request.transport is not None
    request.transport.abort()


async def refuse(_: web.Request, socket: web.WebSocketResponse, cid: str) -> None:
    await socket.send_json({"type": "error", "cid": cid, "code": "unavailable", "retry_ms": 50})


def server(fate: Fate) -> TestServer:
    """Return a chat server that acknowledges what is published by others than p0."""
    seqs = itertools.count(1)

    async def chat(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("chat.v1",))
        await socket.prepare(request)
        async for message in socket:
            frame = message.json()
            if frame["type"] == "join":
                await socket.send_json({"type": "joined"})
            elif frame["type"] == "publish" and frame["cid"].startswith("p0-"):
                await fate(request, socket, frame["cid"])
            elif frame["type"] == "publish":
                await socket.send_json({"type": "ack", "cid": frame["cid"], "ref": next(seqs)})
        return socket

    app = web.Application()
    app.router.add_get("/ws", chat)
    return TestServer(app)


@pytest.mark.parametrize("cut", [close, abort])
async def test_a_socket_that_ends_under_a_publish_is_told(cut: Fate) -> None:
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


async def give_up(url: str) -> None:
    """Let one person talk until refused often enough, and fail as if no master came back."""
    async with audience([url], SECRET, "general", 1) as (person,):

        async def refused() -> bool:
            return person.refused >= ENOUGH

        await until(refused, DEADLINE_S, "refusals")
        raise TimeoutError("no new master")


async def test_who_is_only_refused_stops_with_the_others() -> None:
    """What fails while nothing is acknowledged comes out at once, and keeps nobody waiting."""
    async with asyncio.timeout(DEADLINE_S), server(refuse) as served:
        with pytest.raises(ExceptionGroup) as failed:
            await give_up(str(served.make_url("")).rstrip("/"))
    assert failed.group_contains(TimeoutError, match="no new master")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            ExceptionGroup("", [ExceptionGroup("", [TimeoutError("no new master")])]),
            "TimeoutError: no new master",
        ),
        (ResponseError("NOGOODSLAVE"), "ResponseError: NOGOODSLAVE"),
        (LookupError(), "LookupError: "),
    ],
)
async def test_who_orders_a_failover_is_told_why_it_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, told: str
) -> None:
    """The innermost error is the answer, of whichever type it is, and no empty line."""

    async def fail(*_: object) -> Report:
        raise error

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(Cluster(), asyncio.Lock(), reader, writer)

    monkeypatch.setattr("deploy.local.demo.fail_over", fail)
    socket = tmp_path / "socket"
    async with asyncio.timeout(DEADLINE_S), await asyncio.start_unix_server(serve, socket):
        reader, writer = await asyncio.open_unix_connection(socket)
        writer.write(b"kill\n")
        answer = (await reader.read()).decode()
        writer.close()
    assert answer == f"  failed: {told}"
