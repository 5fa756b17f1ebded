"""The price of tracing: CPU of a server per message, off against 1 % and 100 % drawn.

`python -m bench.trace_price`: one cluster of real processes, three chat servers that differ in
nothing but their sampling, driven at the same time and rate by bursts in turn: so what else the
machine does meets all of them alike. What is traced is exported, and those servers are scraped as
often as deployed: so the price is that of traces and metrics together.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
from aiohttp import web

from deploy.local.audience import ticket
from deploy.local.chat_node import ChatNode
from deploy.local.cluster import Cluster
from deploy.local.demo import GENEROUS

RATIOS: Final = {"off": None, "1 %": "0.01", "100 %": "1"}
CEILING: Final = 1.03  # of the CPU per message without tracing: more is a regression
LISTENERS: Final = 10
RATE: Final = 1_500  # messages a second and server: all three leave two cores some room
TICK_S: Final = 0.01
UNACKED: Final = 45  # of the 64 that a connection may have: a slow moment sends less
SCRAPE_S: Final = 5.0


class Sink:
    """A collector that takes everything and looks at nothing."""

    def __init__(self) -> None:
        self.bytes = 0

    async def take(self, request: web.Request) -> web.Response:
        """Take an export in."""
        self.bytes += len(await request.read())
        return web.Response()


class Rig:
    """One server, its listeners and its publisher, in a room of its own."""

    def __init__(self, name: str, chat: ChatNode, secret: str) -> None:
        self.name = name
        self.chat = chat
        self._secret = secret
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []
        self._acked = 0
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
                self._acked += message.data.count('"type":"ack"')

    async def leave(self) -> None:
        """Let everyone out."""
        for socket in self._sockets:
            await socket.close()

    async def drive(self, seconds: float, pause: float) -> float:
        """Publish at the rate for so long; return the server's CPU per message in µs."""
        pid = self.chat.process.pid
        assert pid is not None
        before, acked, due = cpu(pid), self._acked, time.monotonic() + pause
        end = due + seconds
        while due < end:
            await asyncio.sleep(due - time.monotonic())
            due += TICK_S
            if self._sent - self._acked < UNACKED:
                await self._sockets[0].send_str(self._burst(round(RATE * TICK_S)))
        async with asyncio.timeout(10):
            while self._acked < self._sent:  # noqa: ASYNC110 - acks are only counted
                await asyncio.sleep(TICK_S)
        return (cpu(pid) - before) / (self._acked - acked) * 1e6

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


@asynccontextmanager
async def sinking() -> AsyncIterator[tuple[Sink, str]]:
    """Run a sink on loopback."""
    sink = Sink()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/traces", sink.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield sink, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def scrape(session: aiohttp.ClientSession, chats: Sequence[ChatNode]) -> None:
    """Scrape as Prometheus does, until cancelled."""
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    while True:
        for chat in chats:
            url = f"http://127.0.0.1:{chat.admin_port}/metrics"
            async with session.get(url, headers=accept) as answer:
                await answer.read()
        await asyncio.sleep(SCRAPE_S)


def settings_of(ratio: str | None, collector: str) -> Mapping[str, str]:
    """Return what is set for a share of messages."""
    if ratio is None:
        return {}
    return {"TRACE_RATIO": ratio, "OTEL_EXPORTER_OTLP_ENDPOINT": collector}


async def compare(runs: int, seconds: float) -> bool:
    """Print each round and the medians; True when 1 % costs no more than the ceiling."""
    costs: dict[str, list[float]] = {name: [] for name in RATIOS}
    async with AsyncExitStack() as stack:
        sink, collector = await stack.enter_async_context(sinking())
        cluster = await stack.enter_async_context(Cluster(settings=GENEROUS))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        rigs = []
        for name, ratio in RATIOS.items():
            chat = cluster.chat(settings_of(ratio, collector))
            await chat.start()
            rigs.append(Rig(name, chat, cluster.jwt_secret))
            await rigs[-1].enter(session, tasks)
        scraping = tasks.create_task(scrape(session, [rig.chat for rig in rigs[1:]]))
        await drive(rigs, 1)  # warm
        for run in range(runs):
            random.shuffle(rigs)  # who is first of a turn meets a colder cache
            for rig, cost in zip(rigs, await drive(rigs, seconds), strict=True):
                costs[rig.name].append(cost)
            print(f"#{run} " + ", ".join(f"{name} {costs[name][-1]:.1f} µs" for name in costs))
        print(f"exported {sink.bytes:,} bytes")
        scraping.cancel()
        for rig in rigs:
            await rig.leave()
    return judge(costs)


def judge(costs: Mapping[str, Sequence[float]]) -> bool:
    """Print the medians of the rounds' ratios to off; True within the ceiling."""
    medians: dict[str, float] = {}
    for name, values in costs.items():
        ratios = [value / off for value, off in zip(values, costs["off"], strict=True)]
        medians[name] = statistics.median(ratios)
        print(
            f"{name}: median {statistics.median(values):.1f} µs a message, "
            f"{medians[name]:.3f} of off ({min(ratios):.3f} to {max(ratios):.3f})"
        )
    return medians["1 %"] <= CEILING


def main() -> None:
    """Compare, and exit with 1 above the ceiling."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=5)
    arguments = parser.parse_args()
    raise SystemExit(not asyncio.run(compare(arguments.runs, arguments.seconds)))


if __name__ == "__main__":
    main()
