"""The price of the ack rule: acked messages a second with two replicas waited for, and without.

`python -m bench.ack_price`: one cluster of real processes, interleaved runs, 256 publishers in
rooms of two. Without: the same master with the same replicas, found by `redis://`, so that nobody
is waited for.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence

import msgspec

from chat.commands import Content
from chat.engine import Storage
from chat.frames import User
from chat.log import Event, MessageLog, Position, draft_message
from chat.presence import Order
from deploy.local.cluster import Cluster
from resilience.open import open_engine
from resilience.options import EngineOptions

PUBLISHERS = 256
FLOOR = 0.70  # of the throughput without the rule: less is a regression
OPTIONS = EngineOptions(publish=(1_000_000, 60), wait_at_start=True)


class Nobody:
    """A listener without listeners: only the write path is measured."""

    def committed(
        self, room: str, epoch: str, events: Sequence[Event], *, more: bool | None = None
    ) -> None: ...
    def lost(self, room: str, position: Position) -> None: ...
    def signalled(self, room: str, payload: bytes) -> None: ...
    def presence_changed(
        self, room: str, count: int, join: Sequence[User], leave: Sequence[str]
    ) -> None: ...
    def storage_changed(self, storage: Storage) -> None: ...
    def ordered(self, order: Order) -> None: ...


class Figures(msgspec.Struct):
    """One run: acked messages a second, and the median wait in milliseconds."""

    rate: float
    median_ms: float


async def publish(log: MessageLog, number: int, end: float, waits: list[float]) -> None:
    """Publish one after the other, each after the ack of the one before."""
    said = 0
    while (began := time.monotonic()) < end:
        draft = draft_message(
            room=f"bench-{number // 2}",
            user=f"u{number}",
            name=None,
            cid=f"{began:.6f}".replace(".", "-") + f"-{said}",
            content=Content(text="hello"),
        )
        await log.append(draft)
        waits.append(time.monotonic() - began)
        said += 1


async def measure(url: str, seconds: float) -> Figures:
    """Run all publishers for so long against the engine that the URL names."""
    waits: list[float] = []
    async with open_engine(url, Nobody(), OPTIONS) as engine:
        end = time.monotonic() + seconds
        await asyncio.gather(*(publish(engine.log, n, end, waits) for n in range(PUBLISHERS)))
    return Figures(len(waits) / seconds, statistics.median(waits) * 1000)


async def compare(runs: int, seconds: float) -> bool:
    """Print each pair of runs and the median ratio; True when it is above the floor."""
    ratios: list[float] = []
    async with Cluster() as cluster:
        login = f"chat:{cluster.passwords.chat}"
        master = await cluster.master()
        alone = f"redis://{login}@127.0.0.1:{master.announced}/0"
        for run in range(runs):
            ruled = await measure(cluster.url(), seconds)
            free = await measure(alone, seconds)
            ratios.append(ruled.rate / free.rate)
            print(
                f"#{run} with the rule {ruled.rate:,.0f}/s, median {ruled.median_ms:.1f} ms; "
                f"without {free.rate:,.0f}/s, {free.median_ms:.1f} ms; ratio {ratios[-1]:.2f}",
                flush=True,
            )
    median = statistics.median(ratios)
    print(f"median ratio {median:.2f} ({min(ratios):.2f} to {max(ratios):.2f}), floor {FLOOR:.2f}")
    return median >= FLOOR


def main() -> None:
    """Compare, and exit with 1 below the floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    arguments = parser.parse_args()
    raise SystemExit(not asyncio.run(compare(arguments.runs, arguments.seconds)))


if __name__ == "__main__":
    main()
