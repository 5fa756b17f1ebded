"""A server under measurement, with its listeners and its publisher in a room of its own."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import aiohttp
import msgspec

from deploy.local.audience import ticket
from deploy.local.chat_node import ChatNode

LISTENERS: Final = 10
RATE: Final = 1_500  # messages a second and server: all four leave two cores some room
TICK_S: Final = 0.01
UNACKED: Final = 45  # of the 64 that a connection may have: a slow moment sends less


class Rig:
    """One server; `acked` counts what it has acknowledged."""

    def __init__(self, name: str, chat: ChatNode, secret: str) -> None:
        self.name = name
        self.chat = chat
        self._secret = secret
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []
        self.acked = 0
        self._sent = 0

    async def enter(self, session: aiohttp.ClientSession, tasks: asyncio.TaskGroup) -> None:
        """Let everyone in."""
        for number in range(LISTENERS + 1):
            socket = await session.ws_connect(f"{self.chat.url}/ws", protocols=("chat.v1",))
            token = ticket(self._secret, f"{self._room}-{number}")  # each with a rate of its own
            await socket.send_json({"type": "auth", "token": token, "batch": True})
            if number:
                await socket.send_json({"type": "join", "room": self._room, "history": 0})
            self._sockets.append(socket)
            tasks.create_task(self._listen(socket))

    @property
    def _room(self) -> str:
        return f"bench-{self.chat.port}"

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if socket is self._sockets[0]:
                self.acked += message.data.count('"type":"ack"')

    async def leave(self) -> None:
        """Let everyone out."""
        for socket in self._sockets:
            await socket.close()

    async def drive(self, seconds: float, pause: float) -> float:
        """Publish at the rate for so long; return the server's CPU per message in µs."""
        pid = self.chat.process.pid
        assert pid is not None
        before, acked, due = cpu(pid), self.acked, time.monotonic() + pause
        end = due + seconds
        while due < end:
            await asyncio.sleep(due - time.monotonic())
            due += TICK_S
            if self._sent - self.acked < UNACKED:
                await self._sockets[0].send_str(self._burst(round(RATE * TICK_S)))
        async with asyncio.timeout(10):
            while self.acked < self._sent:  # noqa: ASYNC110 - acks are only counted
                await asyncio.sleep(TICK_S)
        return (cpu(pid) - before) / (self.acked - acked) * 1e6

    def _burst(self, messages: int) -> str:
        frames = []
        for _ in range(messages):
            self._sent += 1
            cid = f"m{self._sent}"
            frames.append({"type": "publish", "room": self._room, "cid": cid, "text": "hello"})
        return msgspec.json.encode(frames).decode()


async def drive(rigs: Sequence[Rig], seconds: float) -> list[float]:
    """Drive all servers at once, each a part of a tick behind the one before."""
    pauses = [number * TICK_S / len(rigs) for number in range(len(rigs))]
    driving = (rig.drive(seconds, pause) for rig, pause in zip(rigs, pauses, strict=True))
    return await asyncio.gather(*driving)


def cpu(pid: int) -> float:
    """Return the CPU seconds that the threads of a process have used, to the nanosecond.

    By `schedstat`: `times` and psutil count in hundredths of a second, 2 % of a run.
    """
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
