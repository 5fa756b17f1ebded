"""What the Redis engine is made of: parts that meet only in the succession of masters."""

from collections.abc import Callable
from random import Random

from chat.engine import Counted, Listener, counts_nothing
from resilience import channel, keys
from resilience.append import Appending
from resilience.checkup import Checkup
from resilience.connections_redis import RedisConnections
from resilience.control import Control
from resilience.courier import Courier
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
from resilience.url import Target


class Parts:
    """All parts of one engine, made and tied to each other; nothing runs yet."""

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

    def _report(self) -> Report:
        """Return what all nodes are told of this one."""
        return {
            "connections": len(self.connections),
            "rooms": len(self.feed.rooms),
            "held": self.budget.messages,
            "deaf": int(self.feed.subscriber.deaf),
            **self.counted(),
        }
