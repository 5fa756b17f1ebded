"""The price of tracing: CPU of a server per message, off against 1 % and 100 % drawn.

`python -m bench.trace_price`: one cluster of real processes, four chat servers that differ in
nothing but their sampling, driven at the same time and rate by bursts in turn: so what else the
machine does meets all of them alike. What is traced is exported, and those servers are scraped as
often as deployed: so the price is that of traces and metrics together. Two servers have neither:
what they differ in is no price, but what a round can't tell. A share of which too little was
exported has not been measured.
"""

import argparse
import asyncio
import random
import statistics
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final

import aiohttp

from bench.trace_rig import Rig, drive
from bench.trace_watch import scrape, sinking, spans
from deploy.local.cluster import Cluster
from deploy.local.demo import GENEROUS

RATIOS: Final = {"off": None, "off again": None, "1 %": "0.01", "100 %": "1"}
CEILING: Final = 1.03  # of the CPU per message without tracing: more is a regression
# A traced message has two spans and its part of a group commit's. To ask for one is three standard
# deviations below what is drawn in a run of two seconds.
SPANS: Final = 1.0
EXPORT_S: Final = 15.0  # an export comes every 5 s


def settings_of(ratio: str | None, collector: str) -> Mapping[str, str]:
    """Return what is set for a share of messages."""
    if ratio is None:
        return {}
    return {"TRACE_RATIO": ratio, "OTEL_EXPORTER_OTLP_ENDPOINT": collector}


async def compare(runs: int, seconds: float) -> bool:
    """Print each round and the medians; True when 1 % costs no more than the ceiling."""
    costs: dict[str, list[float]] = {name: [] for name in RATIOS}
    async with AsyncExitStack() as stack:
        collector = await stack.enter_async_context(sinking())
        cluster = await stack.enter_async_context(Cluster(settings=GENEROUS))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        rigs = []
        for name, ratio in RATIOS.items():
            chat = cluster.chat(settings_of(ratio, collector))
            await chat.start()
            rigs.append(Rig(name, chat, cluster.jwt_secret))
            await rigs[-1].enter(session, tasks)
        traced = [rig for rig in rigs if RATIOS[rig.name] is not None]
        scraping = tasks.create_task(scrape(session, [rig.chat for rig in traced]))
        await drive(rigs, 1)  # warm
        for run in range(runs):
            random.shuffle(rigs)  # who is first of a turn meets a colder cache
            for rig, cost in zip(rigs, await drive(rigs, seconds), strict=True):
                costs[rig.name].append(cost)
            print(f"#{run} " + ", ".join(f"{name} {costs[name][-1]:.1f} µs" for name in costs))
        for rig in traced:
            await require_spans(session, rig)
        scraping.cancel()
        for rig in rigs:
            await rig.leave()
    return judge(costs)


async def require_spans(session: aiohttp.ClientSession, rig: Rig) -> None:
    """Print what became of a server's spans; TimeoutError when too few of them were exported."""
    expected = SPANS * float(RATIOS[rig.name] or 0) * rig.acked
    async with asyncio.timeout(EXPORT_S):
        while (found := await spans(session, rig.chat))["exported"] < expected:  # noqa: ASYNC110
            await asyncio.sleep(1)
    print(f"{rig.name}: spans of {rig.acked:,} messages: {found}")


def judge(costs: Mapping[str, Sequence[float]]) -> bool:
    """Print the medians of the rounds' ratios to both without tracing; True within the ceiling."""
    medians: dict[str, float] = {}
    without = [values for name, values in costs.items() if RATIOS[name] is None]
    bases = [statistics.mean(both) for both in zip(*without, strict=True)]
    for name, values in costs.items():
        ratios = [value / base for value, base in zip(values, bases, strict=True)]
        medians[name] = statistics.median(ratios)
        print(
            f"{name}: median {statistics.median(values):.1f} µs a message, "
            f"{medians[name]:.3f} of off ({min(ratios):.3f} to {max(ratios):.3f})"
        )
    return medians["1 %"] <= CEILING


def main() -> None:
    """Compare, and exit with 1 above the ceiling."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=15)
    arguments = parser.parse_args()
    raise SystemExit(not asyncio.run(compare(arguments.runs, arguments.seconds)))


if __name__ == "__main__":
    main()
