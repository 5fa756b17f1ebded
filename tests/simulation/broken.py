"""The five broken servers of the drills: each takes away one thing on which the promise rests.

They exist by patching, inside a test's process only; no setting of production leads to them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import count
from typing import Any, Final
from unittest.mock import patch

from chat.log import Draft, Position, Receipt
from resilience import channel, keys
from resilience.append import Appended, Appending
from resilience.generation import Generation
from resilience.holding import Held
from resilience.lane import Lane
from resilience.link import Command, Link, LinkLost, ReplyError
from resilience.quorum import ANSWER_S, WAIT_MS, Quorum
from resilience.reader import Reader


@contextmanager
def no_ack() -> Iterator[None]:
    """Acknowledge without waiting for any replica."""
    with patch.object(Quorum, "_needed", property(lambda _: False)):
        yield


@contextmanager
def no_key() -> Iterator[None]:
    """Send each try of a message under a key of its own."""
    call, tries = Appending.call, count()

    def anew(
        self: Appending, room: str, drafts: Sequence[Draft], known: Position, mark: int
    ) -> Command:
        fresh = [_renamed(draft, f"{draft.cid}/{next(tries)}") for draft in drafts]
        return call(self, room, fresh, known, mark)

    with patch.object(Appending, "call", anew):
        yield


def _renamed(draft: Draft, cid: str) -> Draft:
    """Return the draft under another key; what it says of itself stays."""
    return Draft(draft.room, draft.user, cid, draft.head, draft.tail, draft.digest)


@contextmanager
def early_delivery() -> Iterator[None]:
    """Publish what was appended before the replicas have it."""
    commit, sort = Quorum.commit, Lane._sort
    early: list[Command] = []

    def sorted_and_told(self: Lane, rooms: dict[str, list[Held]], replies: Any) -> Any:
        done, failed = sort(self, rooms, replies)
        early.extend(_news(room, rooms[room], appended) for room, appended in done.items())
        return done, failed

    async def publish_first(self: Quorum, link: Link, answers: Sequence[Any]) -> int:
        if early:
            news = early.copy()
            early.clear()
            await link.pipeline(news, ANSWER_S)
        return await commit(self, link, answers)

    with (
        patch.object(Lane, "_sort", sorted_and_told),
        patch.object(Quorum, "commit", publish_first),
    ):
        yield


def _news(room: str, helds: Sequence[Held], appended: Appended) -> Command:
    fresh = [
        (held.draft, outcome)
        for held, outcome in zip(helds, appended.outcomes, strict=True)
        if isinstance(outcome, Receipt) and not outcome.dup
    ]
    payloads = [draft.payload(receipt.seq, receipt.ts) for draft, receipt in fresh]
    first = fresh[0][1].seq if fresh else 0
    news = channel.Committed(appended.epoch, first, payloads)
    return ("PUBLISH", keys.channel(room), channel.encode(news))


@contextmanager
def wait_elsewhere() -> Iterator[None]:
    """WAIT on another connection than the one that wrote, and believe its count."""
    links: dict[Generation, Link] = {}

    async def commit(self: Quorum, link: Link, answers: Sequence[Any]) -> int:
        generation = self.generation
        other = links.get(generation)
        if other is None:
            other = links[generation] = await generation.open()
        wanted = self._insync.wanted
        while True:
            (having,) = await other.pipeline([("WAIT", wanted, WAIT_MS)], ANSWER_S)
            if isinstance(having, ReplyError):
                raise LinkLost(str(having))
            generation.require()
            if having >= wanted:
                return -1

    with patch.object(Quorum, "questions", lambda _: []), patch.object(Quorum, "commit", commit):
        yield


@contextmanager
def read_replica() -> Iterator[None]:
    """Read history from a replica that the sentinels list, as it is there."""
    send = Reader._send

    async def ask_replica(self: Reader, link: Link, quorum: Quorum, batch: Any) -> float:
        watch = self._succession.watch
        replicas = sorted(watch.listed() - {quorum.generation.address}) if watch else []
        plain = [asked for asked in batch if _is_page(asked.commands(0)[0])]
        if not replicas or not plain:
            return await send(self, link, quorum, batch)
        try:
            replica = await quorum.generation.probe(replicas[0], ANSWER_S)
        except LinkLost:
            return await send(self, link, quorum, batch)
        try:
            for asked in plain:
                reply = await _page(replica, asked.commands(0)[0])
                if reply is not None:
                    self._answer(asked, [reply])
        finally:
            replica.close("read")
        rest = [asked for asked in batch if not asked.future.done()]
        return await send(self, link, quorum, rest) if rest else 0.0

    with patch.object(Reader, "_send", ask_replica):
        yield


def _is_page(command: Command) -> bool:
    return command[0] == "EVALSHA" and command[9] in {"after", "last"}


async def _page(replica: Link, command: Command) -> list[Any] | None:
    """Do by plain commands what read.lua does; None where there is no epoch yet."""
    log, meta, which, limit = command[3], command[4], command[9], command[11]
    found = (
        ("XRANGE", log, f"(1-{int(command[10])}", "+", "COUNT", limit)
        if which == "after"
        else ("XREVRANGE", log, "+", "-", "COUNT", limit)
    )
    first: Command = ("XRANGE", log, "-", "+", "COUNT", 1)
    asked: list[Command] = [("HMGET", meta, "epoch", "head"), first, found]
    (epoch, head), oldest, entries = await replica.pipeline(asked, ANSWER_S)
    if epoch is None:
        return None
    tail = int(oldest[0][0].partition(b"-")[2]) if oldest else int(head) + 1
    return [epoch, int(head), tail, entries]


Variant = Callable[[], AbstractContextManager[None]]
VARIANTS: Final[Mapping[str, Variant]] = {
    "no-ack": no_ack,
    "no-key": no_key,
    "early-delivery": early_delivery,
    "wait-elsewhere": wait_elsewhere,
    "read-replica": read_replica,
}
# What each must be caught at, among others.
ANOMALIES: Final[Mapping[str, frozenset[str]]] = {
    "no-ack": frozenset({"lost"}),
    "no-key": frozenset({"duplicate"}),
    "early-delivery": frozenset({"phantom", "incompatible_order"}),
    "wait-elsewhere": frozenset({"lost"}),
    "read-replica": frozenset({"stale_read"}),
}


def broken(name: str | None) -> AbstractContextManager[None]:
    """Return the context in which the server is broken so; without a name it is whole."""
    return VARIANTS[name]() if name is not None else nullcontext()
