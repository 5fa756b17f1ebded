"""One chat server of a local cluster: `python -m server` with an environment of its own."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from deploy.local.commands import ANSWER
from deploy.local.node import Plan
from deploy.local.ports import LOOPBACK, Port
from deploy.local.process import Process

ROOT: Final = Path(__file__).resolve().parent.parent.parent
# Seconds. Importing takes one on a busy machine, finding the master at most ten more.
START: Final = 40.0
SERVER: Final = (sys.executable, "-m", "server")
_OK: Final = b"200"


class ChatNode:
    """A server that can die and come back at the same address, found by `url`."""

    def __init__(
        self,
        name: str,
        plan: Plan,
        ports: tuple[Port, Port],
        environment: Mapping[str, str],
        command: Sequence[str] = SERVER,
    ) -> None:
        """`ports` are those for clients and for operators; `environment` holds the settings.

        Nothing of this process' environment reaches the server but where programs are found.
        """
        self.name = name
        self.port, self.admin_port = (port.number for port in ports)
        self.process = Process(
            name,
            command,
            directory=plan.directory,
            group=plan.group,
            environment={
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONPATH": str(ROOT),
                "HOST": LOOPBACK,
                "PORT": str(self.port),
                "ADMIN_PORT": str(self.admin_port),
                **environment,
            },
        )

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        """Start it; returns when it says that it is ready."""
        self.process.start()
        await self.process.ready(self.is_ready, START)

    async def kill(self) -> None:
        await self.process.kill()

    async def is_ready(self) -> bool:
        """Ask GET /health/ready; no answer is no."""
        try:
            return await self._status("/health/ready") == _OK
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return False

    async def _status(self, path: str) -> bytes:
        async with asyncio.timeout(ANSWER):
            reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
            try:
                request = f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nConnection: close\r\n\r\n"
                writer.write(request.encode())
                return (await reader.readuntil(b"\r\n")).split()[1]
            finally:
                writer.close()
