"""Canaries: planted in all that clients and operators give, hunted in all that a server emits."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import jwt
import pytest

from deploy.local.ports import Port
from tests.chatting import token
from tests.server.otlp import receiving

ROOT: Final = Path(__file__).parents[2]
CANARY: Final = "zCaNaRy"  # the server has canaries of its own, and names them
SECRET: Final = f"{CANARY}-secret-0123456789abcdef-0123456789"
URL: Final = f"https://x.example/{CANARY}?token={CANARY}"
ROOM: Final = "/v1/rooms/general/messages"
JSON: Final = {"Content-Type": "application/json"}


class Process:
    """A server process, everything it prints and everything that a client was told."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.output = ""
        self.told: list[str] = []

    async def until(self, event: str) -> dict[str, Any]:
        """Read on until this event, and return its line."""
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            while True:
                line = (await self._process.stdout.readline()).decode()
                assert line, self.output
                self.output += line
                if f'"event":"{event}"' in line:
                    return dict(json.loads(line))

    async def stop(self) -> None:
        """Ask it to end, and read the rest."""
        self._process.terminate()
        await self.end()

    async def end(self) -> None:
        """Read the rest."""
        rest, _ = await asyncio.wait_for(self._process.communicate(), 20)
        self.output += rest.decode()

    async def note(self, reply: aiohttp.ClientResponse) -> None:
        self.told.append(f"{reply.headers} {await reply.text()}")


@asynccontextmanager
async def started(**environment: str) -> AsyncIterator[Process]:
    """Start a server that logs all it can, its key a canary."""
    given = {"JWT_SECRET": SECRET, "PORT": "0", "ADMIN_PORT": "0", "LOG_LEVEL": "DEBUG"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "dev", "-m", "server"),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DRAIN_SECONDS": "0"} | given | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Process(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def minted(**claims: Any) -> str:
    """Return a token signed with the canary key, in whose claims a canary sits."""
    given = {"sub": "ann", "aud": "chat", "exp": 2**33, "name": CANARY, "note": CANARY}
    return jwt.encode({**given, **claims}, SECRET, "HS256")


def good() -> str:
    now = jwt.decode(token("x"), options={"verify_signature": False})["iat"]
    return minted(iat=now, exp=now + 600, rooms={"general": "rw"})


async def ask_badly(session: aiohttp.ClientSession, url: str, process: Process) -> None:
    """Plant canaries in lines, headers and bodies of requests that are refused."""
    headers = {"Referer": URL, "Cookie": f"a={CANARY}", "User-Agent": CANARY, "X-Any": CANARY}
    headers |= {"X-Forwarded-For": CANARY, "traceparent": CANARY, "Prefer": CANARY, **JSON}
    for auth in (f"Bearer {CANARY}", f"Bearer {minted()}", f"Basic {CANARY}", f"Bearer {good()}"):
        for path in (
            f"/{CANARY}?token={CANARY}",
            f"/v1/rooms/{CANARY}%20/messages?token={CANARY}",
            f"{ROOM}?limit={CANARY}&access_token={CANARY}",
            f"/v1/admin/connections?user={CANARY}",
            f"/ws?token={CANARY}",
        ):
            given = headers | {"Authorization": auth}
            async with session.get(url + path, headers=given) as reply:
                await process.note(reply)
        for body in (f'{{"text":["{CANARY}"]}}', CANARY, f'{{"text":"{CANARY}","user":"bo"}}'):
            given = headers | {"Authorization": auth, "Idempotency-Key": f"{CANARY}"}
            async with session.post(url + ROOM, headers=given, data=body) as reply:
                await process.note(reply)


async def break_http(port: int, process: Process) -> None:
    """Plant canaries in what is no HTTP."""
    for sent in (
        f"{CANARY}\r\n\r\n",
        f"GET /?token={CANARY} HTTP/1.1\r\nHost: x\r\n{CANARY}\r\n\r\n",
        f"GET /{CANARY} HTTP/1.1\r\nAuthorization: Bearer {CANARY}\r\nBad Name: {CANARY}\r\n\r\n",
        f"POST {ROOM} HTTP/1.1\r\nHost: x\r\nContent-Length: {CANARY}\r\n\r\n{CANARY}",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent.encode())
        process.told.append((await asyncio.wait_for(reader.read(), 5)).decode())
        writer.close()


async def chat_badly(session: aiohttp.ClientSession, url: str, process: Process) -> None:
    """Plant canaries in handshakes and frames; note every error, not what was rightly said."""
    for frames in (
        [{"type": "auth", "token": CANARY}],
        [{"type": "auth", "token": minted()}],
        [
            {"type": "auth", "token": good(), "client": CANARY},
            {"type": "publish", "room": "general", "text": CANARY},
            {"type": "publish", "room": f"{CANARY} x", "text": CANARY},
            {"type": "publish", "room": "secret", "text": CANARY},
            {"type": CANARY, CANARY: CANARY},
            {"type": "publish", "room": "general", "text": {CANARY: CANARY}, "cid": f"{CANARY}!"},
        ],
    ):
        async with session.ws_connect(f"{url}/ws?token={CANARY}", protocols=("chat.v1",)) as ws:
            for frame in frames:
                await ws.send_json(frame)
            await ws.send_str(f'{{"type":"{CANARY}')
            await ws.send_bytes(CANARY.encode())
            async for message in ws:
                if '"type":"error"' in str(message.data):
                    process.told.append(message.data)
            process.told.append(f"closed {ws.close_code}")
    for protocols in (("chat.v1", f"bearer.{CANARY}"), (CANARY,)):
        try:
            async with session.ws_connect(f"{url}/ws", protocols=protocols) as ws:
                process.told.append(str([message.data async for message in ws]))
        except aiohttp.WSServerHandshakeError as refused:
            process.told.append(f"{refused.headers} {refused.message}")


async def test_no_canary_leaves_the_server() -> None:
    """Whatever is planted where, no output, metric, error, document or span holds it."""
    async with (
        receiving() as receiver,
        started(
            REDIS_URL="memory://",
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            OTEL_BSP_SCHEDULE_DELAY="100",
            TRACE_RATIO="1",
        ) as process,
        aiohttp.ClientSession() as session,
    ):
        operators = (await process.until("operators_listening"))["port"]
        port = (await process.until("listening"))["port"]
        url = f"http://127.0.0.1:{port}"
        await ask_badly(session, url, process)
        await break_http(port, process)
        await break_http(operators, process)
        await chat_badly(session, url, process)
        for path in ("/v1/openapi.json", "/v1/asyncapi.json", "/health/ready"):
            async with session.get(url + path) as reply:
                await process.note(reply)
        for path in ("/metrics", f"/{CANARY}?token={CANARY}"):
            async with session.get(f"http://127.0.0.1:{operators}{path}") as reply:
                await process.note(reply)
        await receiver.until(20)
        await receiver.until(1, "publish")
        await session.close()
        await process.stop()
    assert CANARY.lower().encode() not in receiver.raw.lower()
    assert len(process.told) > 50
    assert sum("rate_limited" in told or "token_invalid" in told for told in process.told) > 10
    assert process.output.count('"event":"request"') > 20
    for emitted in (process.output, *process.told):
        assert CANARY.lower() not in emitted.lower()
        assert not re.search(r"eyJ[\w-]+\.", emitted)
        assert "Traceback" not in emitted
    for line in process.output.splitlines():
        json.loads(line)


@pytest.mark.parametrize(
    "url",
    [
        "redis://ann:{canary}@127.0.0.1:{port}/0",
        "redis://:{canary}%2F{canary}@127.0.0.1:{port}/0",
        "redis+sentinel://ann:{canary}@127.0.0.1:{port}/mymaster?sentinel_password={canary}",
    ],
)
async def test_no_password_of_the_storage_is_told(url: str, redis_that_refuses: int) -> None:
    """A Redis that refuses the password, asked under any URL, makes nobody say the password."""
    given = url.format(canary=CANARY, port=redis_that_refuses)
    brief = {"PUBLISH_HOLD_SECONDS": "0.2"}
    async with started(REDIS_URL=given, **brief) as process, aiohttp.ClientSession() as session:
        port = (await process.until("listening"))["port"]
        for path in ("/health/ready", ROOM):
            headers = {"Authorization": f"Bearer {good()}"}
            async with session.get(f"http://127.0.0.1:{port}{path}", headers=headers) as reply:
                await process.note(reply)
        await process.stop()
    for emitted in (process.output, *process.told):
        assert CANARY.lower() not in emitted.lower()


async def test_wrong_settings_do_not_repeat_them() -> None:
    """A server that refuses its settings names variables and rules, never a value."""
    wrong = {"REDIS_URL": f"redis://:{CANARY}@h:{CANARY}", "TRUSTED_PROXIES": CANARY}
    wrong["OTEL_EXPORTER_OTLP_HEADERS"] = f"x-team: {CANARY}"
    async with started(**wrong, JWT_SECRET=CANARY, PORT=CANARY, JWT_JWKS_URL=CANARY) as process:
        await process.end()
    assert process.output.count("\n") >= 6
    assert CANARY not in process.output


@pytest.fixture
async def redis_that_refuses(tmp_path: Path) -> AsyncIterator[int]:
    """A Redis with another password than anybody gives; its port."""
    with Port() as port:
        options = ("--port", str(port.number), "--requirepass", "another", "--save", "")
        process = await asyncio.create_subprocess_exec(
            *("redis-server", *options, "--dir", str(tmp_path)), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        async with asyncio.timeout(10):
            while b"Ready to accept" not in await process.stdout.readline():
                pass
        yield port.number
        process.kill()
        await process.communicate()
