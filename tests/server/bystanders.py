"""What others notice of an attack: `python -m tests.server.bystanders [ATTACK …] [--rounds N]`.

Two servers run side by side. Ten people talk on the one, another ten on the other; an attacker, a
process of its own, attacks them in turns, slot by slot. So the machine has the same to do in every
slot, and a ratio of two neighbouring slots is free of what else goes on. Reported are the medians
over all pairs of slots: of the 99th percentile of publish-to-shown, attacked by not attacked, and
the memory above what it was before.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from statistics import median, quantiles
from time import monotonic
from typing import Any, Final, NamedTuple

import aiohttp

from tests.chatting import token
from tests.server.assault import ADDRESS
from tests.server.attacks import ATTACKS
from tests.server.process import ROOT, Process, process

PEOPLE: Final = 10
EVERY_S: Final = 0.1  # each talks ten times a second
SLOT_S: Final = 2.0
GUARD_S: Final = 0.3  # of a slot's beginning that is not counted: connecting, and what lingers
FRIENDS: Final = "127.0.0.2"
LIMITS: Final = {  # as they come, but for how often the bystanders may talk
    "WEBSOCKET_MAX_CONNECTIONS": "100",
    "WEBSOCKET_MAX_CONNECTIONS_PER_IP": "20",
    "WEBSOCKET_MAX_UNAUTHENTICATED_PER_IP": "20",
    "WEBSOCKET_HANDSHAKES_PER_MINUTE": "120",
    "ROOM_HISTORY": "100",
}
NOBODY: Final = "nobody"


class Outcome(NamedTuple):
    """Medians over the pairs of slots: ratio and milliseconds of p99; bytes of growth."""

    ratio: float
    quiet_ms: float
    attacked_ms: float
    growth: int
    pairs: int


class People:
    """Ten people in one room of one server, and when each of them was shown what."""

    def __init__(self, server: Process) -> None:
        self.server = server
        self.shown: list[tuple[float, float]] = []  # when, and how long after it was published

    async def live(self, session: aiohttp.ClientSession, number: int) -> None:
        """Join, talk and listen until cancelled."""
        url = f"http://127.0.0.1:{self.server.port}/ws"
        protocols = ("chat.v1", f"bearer.{token(f'u{number}')}")
        async with session.ws_connect(url, protocols=protocols) as socket:
            await socket.send_json({"type": "join", "room": "friends", "history": 0})
            talking = asyncio.create_task(self._talk(socket, number))
            try:
                async for message in socket:
                    self._take(json.loads(message.data))
            finally:
                talking.cancel()
                await asyncio.gather(talking, return_exceptions=True)
        raise ConnectionError("a bystander was closed")

    async def _talk(self, socket: aiohttp.ClientWebSocketResponse, number: int) -> None:
        due = monotonic() + EVERY_S * number / PEOPLE
        while True:
            await asyncio.sleep(due - monotonic())
            frame = {"type": "publish", "room": "friends", "data": monotonic()}
            await socket.send_json(frame)
            due += EVERY_S

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "message":
            now = monotonic()
            self.shown.append((now, now - frame["data"]))

    def p99(self, start: float, end: float) -> float:
        """Return the 99th percentile of what was published in that time, in seconds."""
        took = [took for at, took in self.shown if start <= at - took < end]
        return quantiles(took, n=100)[98]


async def measure(attack: str, rounds: int) -> Outcome:
    """Attack two servers in turns, so many times each."""
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(process(listening=True, **LIMITS)) for _ in range(2)
        ]
        crowds = [People(server) for server in servers]
        connector = aiohttp.TCPConnector(local_addr=(FRIENDS, 0), limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        group = await stack.enter_async_context(asyncio.TaskGroup())
        living = [
            group.create_task(crowd.live(session, number))
            for crowd in crowds
            for number in range(PEOPLE)
        ]
        await asyncio.sleep(2 * SLOT_S)  # histories fill up, and all that warms is warm
        before = [server.rss for server in servers]
        start = monotonic() + 1.0
        watching = group.create_task(watch(servers))
        await attacked(attack, start, [server.port for server in servers] * rounds)
        watching.cancel()
        for task in living:
            task.cancel()
    growth = max(most - least for most, least in zip(watching_peaks, before, strict=True))
    return summarise(crowds, start, 2 * rounds, growth)


watching_peaks: list[int] = []


async def watch(servers: Sequence[Process]) -> None:
    """Note the highest memory of each server until cancelled."""
    watching_peaks[:] = [0] * len(servers)
    while True:
        watching_peaks[:] = [
            max(peak, server.rss) for peak, server in zip(watching_peaks, servers, strict=True)
        ]
        await asyncio.sleep(0.05)


async def attacked(attack: str, start: float, ports: Sequence[int]) -> None:
    """Let the attackers do their work, or nobody."""
    if attack == NOBODY:
        await asyncio.sleep(start + SLOT_S * len(ports) - monotonic())
        return
    attackers = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.server.assault", attack, str(start), str(SLOT_S)),
        *map(str, ports),
        cwd=ROOT,
    )
    if await attackers.wait():
        raise RuntimeError("the attackers failed")


def summarise(crowds: Sequence[People], start: float, slots: int, growth: int) -> Outcome:
    """Return the medians: each slot of a server that is attacked beside the one before, after."""
    ratios, quiets, attackeds = [], [], []
    for number, crowd in enumerate(crowds):
        p99s = [
            crowd.p99(start + slot * SLOT_S + GUARD_S, start + (slot + 1) * SLOT_S)
            for slot in range(slots)
        ]
        for slot, pair in enumerate(pairwise(p99s)):
            attacked_first = slot % 2 == number
            hit, calm = pair if attacked_first else reversed(pair)
            ratios.append(hit / calm)
            quiets.append(calm)
            attackeds.append(hit)
    return Outcome(
        median(ratios), median(quiets) * 1e3, median(attackeds) * 1e3, growth, len(ratios)
    )


async def report(attacks: Sequence[str], rounds: int) -> None:
    """Measure one attack after the other, and print a line for each."""
    say(f"{'attack':26} p99 ratio   quiet  attacked   memory  ({ADDRESS} attacks)")
    for attack in attacks:
        it = await measure(attack, rounds)
        say(
            f"{attack:26} {it.ratio:9.3f} {it.quiet_ms:5.1f} ms {it.attacked_ms:5.1f} ms "
            f"{it.growth / 2**20:+6.1f} MB  {it.pairs} pairs"
        )


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    names = [NOBODY, *(attack.__name__ for attack in ATTACKS)]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help=f"of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=10, help="slots of each server, 2 s each")
    options = parser.parse_args()
    asyncio.run(report(options.attacks or names, options.rounds))
