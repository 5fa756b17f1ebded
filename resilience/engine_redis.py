"""The Redis engine: every contract kept over several nodes, and over failovers."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random, SystemRandom
from typing import Any, Final

from chat.engine import Counted, Listener, Phase, Statistics, Storage, counts_nothing
from chat.errors import Refusal, Unavailable
from resilience import channel, keys
from resilience.append import Appending
from resilience.checkup import Checkup
from resilience.connections_redis import RedisConnections
from resilience.control import Control
from resilience.counts import count
from resilience.courier import Courier
from resilience.describe import describe
from resilience.dialer import Dialer
from resilience.feed import Feed
from resilience.generation import Generation
from resilience.holding import Budget, Holding
from resilience.known import Known, tokens
from resilience.lane import Lane
from resilience.lease import Lease
from resilience.link import Opener
from resilience.log_redis import RedisLog
from resilience.options import EngineOptions
from resilience.presence_redis import RedisPresence
from resilience.reader import Reader
from resilience.recheck import Recheck
from resilience.records import Records
from resilience.reports import Report, Reports
from resilience.sentinel_watch import SentinelWatch
from resilience.signals_redis import RedisSignals
from resilience.storage_state import StorageState
from resilience.succession import Succession
from resilience.url import Target, parse

_log: Final = logging.getLogger("holdfast.engine")

_NS_PER_MS: Final = 1_000_000
# A storage that is there is up in 50 ms; without it the server starts too, and says so.
START_S: Final = 1.0
DRAIN_S: Final = 2.0  # for what is held, when the engine closes; up to then all could be answered


def wall_ms() -> int:
    """Return the wall clock's epoch milliseconds; for people to read."""
    return time.time_ns() // _NS_PER_MS


class RedisEngine:
    """The `Engine` on Redis; made of parts that meet only in the succession of masters."""

    def __init__(
        self,
        target: Target,
        listener: Listener,
        options: EngineOptions,
        *,
        openers: tuple[Opener, Opener],
        random: Random,
        wall: Callable[[], int],
    ) -> None:
        redis, sentinel = openers
        self.node = options.node
        self.options = options
        self.counted: Counted = counts_nothing
        self.state = StorageState(listener.storage_changed, wall)
        self.known = Known()
        self.records = Records()
        self.budget = Budget(options.held, options.held_bytes)
        self.succession = Succession(target.addresses[0], redis, options, self.state, random)
        self.watch = self._watch(target, sentinel, random)
        token = tokens(random)
        self.reader = Reader(self.succession, self.known, self.records, token, options.hold_s)
        self.feed = Feed(
            self.succession, self.reader, self.known, self.records, listener, self._hear, random
        )
        appending = Appending(options, token)
        self.lanes = [
            Lane(
                self.succession,
                appending,
                Holding(self.budget, options.hold_s),
                self.known,
                self.feed.committed,
                self.feed.subscriber.hearing,
                options.batch,
                f"lane {number}",
            )
            for number in range(options.lanes)
        ]
        self.recheck = Recheck(self.succession, self.reader, self.known)
        self.log = RedisLog(self.lanes, self.reader, self.feed)
        self._meet(listener)

    def _meet(self, listener: Listener) -> None:
        """Make the parts that are about people."""
        hears = self.feed.hears
        self.courier = Courier(self.succession, self.options.hold_s)
        self.lease = Lease(self.node, self.courier, Reports(self.node, self._report))
        self.control = Control(listener, self.courier, self.reader)
        self.presence = RedisPresence(listener, self.courier, self.lease, hears)
        self.connections = RedisConnections(self.courier, self.lease, self.control)
        self.signals = RedisSignals(self.node, listener, self.courier, hears)
        acks = self.options.ack_replicas
        floor = acks if acks is not None else int(self.watch is not None)
        self.checkup = Checkup(self.courier, self.watch, floor)
        self.feed.subscriber.subscribe(keys.CONTROL.encode(), self.control.hear)
        self.feed.subscriber.on_subscribed = self.control.hear
        self.succession.on_adopted = self._adopted

    def _adopted(self, _generation: Generation) -> None:
        """What was written without waiting for the replicas may be gone with the old master."""
        self.presence.assert_again()
        self.connections.assert_again()
        self.control.look_at_all()

    def _hear(self, room: str, news: channel.News) -> None:
        if isinstance(news, channel.Signal):
            self.signals.hear(room, news)
        elif isinstance(news, channel.Attendance):
            self.presence.hear(room, news)

    def _watch(self, target: Target, opener: Opener, random: Random) -> SentinelWatch | None:
        if target.master_name is None:
            return None
        watch = SentinelWatch(target.addresses, target.master_name, opener, random)
        self.succession.attend(watch)
        return watch

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

    def _report(self) -> Report:
        """Return what all nodes are told of this one."""
        return {
            "connections": len(self.connections),
            "rooms": len(self.feed.rooms),
            "held": self.budget.messages,
            "deaf": int(self.feed.subscriber.deaf),
            **self.counted(),
        }

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
