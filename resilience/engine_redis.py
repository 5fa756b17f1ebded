"""The Redis engine: every contract kept over several nodes, and over failovers."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random, SystemRandom
from typing import Any, Final

from chat.engine import Listener, Phase, Statistics, Storage
from chat.errors import Refusal, Unavailable
from resilience.counts import count
from resilience.describe import describe
from resilience.dialer import Dialer
from resilience.options import EngineOptions
from resilience.parts import Parts
from resilience.url import Target, parse

_log: Final = logging.getLogger("holdfast.engine")

_NS_PER_MS: Final = 1_000_000
# A storage that is there is up in 50 ms; without it the server starts too, and says so.
START_S: Final = 1.0
DRAIN_S: Final = 2.0  # for what is held, when the engine closes; up to then all could be answered


def wall_ms() -> int:
    """Return the wall clock's epoch milliseconds; for people to read."""
    return time.time_ns() // _NS_PER_MS


class RedisEngine(Parts):
    """The `Engine` on Redis: what its parts do together, from start to drain."""

    @property
    def storage(self) -> Storage:
        """The phase of the storage, why, and since when."""
        return self.state.storage

    async def run(self) -> None:
        """Do all that goes on beside the calls, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.succession.run(), name="succession")
            if self.watch is not None:
                group.create_task(self.watch.run(), name="sentinel watch")
            for number, lane in enumerate(self.lanes):
                group.create_task(lane.run(), name=f"lane {number}")
            group.create_task(self.reader.run(), name="reader")
            group.create_task(self.recheck.run(), name="recheck")
            group.create_task(self.feed.run(), name="feed")
            group.create_task(self.courier.run(), name="courier")
            group.create_task(self.lease.run(), name="lease")
            group.create_task(self.control.run(), name="control")
            group.create_task(self.checkup.run(), name="checkup")
            group.create_task(self.presence.run(), name="presence")
            group.create_task(self.connections.run(), name="connections")

    async def start(self) -> None:
        """Wait for the storage and what is revoked in it: until it is up, or only for a moment."""
        loop = asyncio.get_running_loop()
        end = None if self.options.wait_at_start else loop.time() + START_S
        try:
            await self.state.up(end)
            async with asyncio.timeout_at(end):
                await self.control.revocations.known.wait()
        except (TimeoutError, Unavailable):
            _log.warning("started_without_storage", extra={"reason": self.storage.reason})

    async def drain(self) -> None:
        """Wait until all is answered and published, as long as the storage is up."""
        end = asyncio.get_running_loop().time() + DRAIN_S
        for lane in self.lanes:
            await lane.drained(end)
        for lane in self.lanes:
            lane.holding.close("the server is stopping")
        try:
            async with asyncio.timeout_at(end):
                await self.lease.give_up()
        except (TimeoutError, Unavailable):
            return  # the others bury us when the lease has ended

    def statistics(self) -> Statistics:
        """Return what has been counted."""
        return count(self)

    async def fail_over(self) -> None:
        """Ask the sentinels for it."""
        if self.watch is None:
            raise Refusal("unsupported", "a single Redis has no failover")
        await self.watch.fail_over()

    def died(self, work: asyncio.Task[None]) -> None:
        """A part that dies by a mistake of ours takes all with it, and that is said."""
        if not work.cancelled() and (error := work.exception()) is not None:
            _log.critical("engine_died", exc_info=error)
            self.state.turn(Phase.FAILING_OVER, "the engine died")

    async def cluster(self) -> dict[str, Any]:
        """Describe the storage for an administrator."""
        return describe(self)


@asynccontextmanager
async def open_redis(
    url: str,
    listener: Listener,
    options: EngineOptions,
    *,
    wall: Callable[[], int] = wall_ms,
    random: Random | None = None,
) -> AsyncIterator[RedisEngine]:
    """Open the Redis engine that a URL names (url.py); `ValueError` if it names none."""
    target = parse(url)
    engine = RedisEngine(
        target,
        listener,
        options,
        openers=_dialers(target, options.node),
        random=random or SystemRandom(),
        wall=wall,
    )
    async with running(engine):
        yield engine


def _dialers(target: Target, node: str) -> tuple[Dialer, Dialer]:
    name = f"holdfast:{node}"
    tls = target.context()
    redis = Dialer(target.credentials, name=name, database=target.database, tls=tls)
    return redis, Dialer(target.sentinel_credentials, name=name, tls=tls)


@asynccontextmanager
async def running(engine: RedisEngine) -> AsyncIterator[None]:
    """Let an engine work inside the block; drained and closed after it."""
    work = asyncio.create_task(engine.run(), name="engine")
    work.add_done_callback(engine.died)
    try:
        await engine.start()
        yield
        await engine.drain()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        for lane in engine.lanes:
            lane.holding.close("the server is stopping")
