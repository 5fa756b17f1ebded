"""A server as a process of its own, watched from outside: its output, its memory, its end."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from tests.chatting import SECRET

ROOT: Final = Path(__file__).parents[2]
GENEROUS: Final = {
    "REDIS_URL": "memory://",
    "JWT_SECRET": SECRET,
    "PORT": "0",
    "ADMIN_PORT": "0",
    "DRAIN_SECONDS": "0",
    "WEBSOCKET_MAX_CONNECTIONS": "5000",
    "WEBSOCKET_MAX_CONNECTIONS_PER_IP": "5000",
    "WEBSOCKET_MAX_UNAUTHENTICATED_PER_IP": "5000",
    "WEBSOCKET_HANDSHAKES_PER_MINUTE": "100000",
    "RATE_LIMIT_MESSAGES_PER_MINUTE": "100000",
}


class Process:
    """A server process; `output` is all that it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._reading = asyncio.create_task(self._read())
        self._changed = asyncio.Event()
        self.output = ""
        self.port = 0
        self.operators = 0

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.output += line.decode()
            self._changed.set()

    async def until(self, event: str) -> dict[str, Any]:
        """Wait for this event, and return its line."""
        async with asyncio.timeout(20):
            while True:
                for line in self.output.splitlines():
                    if f'"event":"{event}"' in line:
                        return dict(json.loads(line))
                self._changed.clear()
                assert not self._reading.done(), self.output
                await self._changed.wait()

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @property
    def rss(self) -> int:
        """The resident memory, in bytes."""
        return int(psutil.Process(self._process.pid).memory_info().rss)

    @property
    def cpu_s(self) -> float:
        """How long it has used a processor, in seconds."""
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    async def stop(self) -> int:
        """Ask it to end, read the rest, and return how it ended."""
        if self.alive:
            self._process.terminate()
        async with asyncio.timeout(20):
            await self._reading
            return await self._process.wait()

    def kill(self) -> None:
        if self.alive:
            self._process.kill()


@asynccontextmanager
async def process(*, listening: bool = True, **environment: str) -> AsyncIterator[Process]:
    """Start a server with generous limits; wait until it listens, unless it is not to."""
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server"),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | GENEROUS | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    server = Process(started)
    try:
        if listening:
            server.operators = (await server.until("operators_listening"))["port"]
            server.port = (await server.until("listening"))["port"]
        yield server
    finally:
        server.kill()
        await server.stop()
