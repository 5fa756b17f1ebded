"""Servers that each break one promise, for the negative controls: the rig must catch every one.

`python -m tests.drills.broken <how>` runs `server` with one part of `resilience` replaced.
Production code has no switch that leads here.
"""

import sys
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from chat.errors import Unavailable
from chat.log import Page, Position, Receipt
from chat.tracing import Commit
from resilience import channel, keys
from resilience.append import Appended, Appending
from resilience.dialer import PROBE_S
from resilience.generation import Generation
from resilience.holding import Held
from resilience.lane import Lane
from resilience.link import Command, Link, LinkLost, Reply
from resilience.quorum import ANSWER_S, WAIT_MS, Quorum, master_role
from resilience.reader import Question, Reader
from resilience.replies import Garbled
from server.__main__ import main
from tests.drills.mute import mute

POOL: Final = 64  # connections


def no_replica_ack() -> None:
    """Acknowledge what only the master has."""

    def questions(_: Quorum) -> list[Command]:
        return []

    async def commit(self: Quorum, _link: Link, _answers: Sequence[Reply]) -> int:
        self.generation.require()
        return -1

    Quorum.questions = questions  # type: ignore[assignment, method-assign]
    Quorum.commit = commit  # type: ignore[assignment, method-assign]


def no_idempotency_key() -> None:
    """Look each message up under a key that nobody has used before."""
    random = Random()
    usual = Appending.call

    def call(
        self: Appending, room: str, drafts: Sequence[object], known: Position, mark: int
    ) -> Command:
        command = usual(self, room, drafts, known, mark)  # type: ignore[arg-type]
        first = len(command) - 6 * len(drafts)
        fresh = list(command)
        for at in range(first + 1, len(command), 6):
            fresh[at] = random.randbytes(8).hex()
        return tuple(fresh)

    Appending.call = call  # type: ignore[method-assign]


def delivery_before_ack() -> None:
    """Tell all nodes of a batch as soon as the master has it."""
    send, sort = Lane._send, Lane._sort
    links: dict[Lane, Link] = {}

    async def keep_link(
        self: Lane, link: Link, quorum: Quorum, batch: Sequence[Held], trace: Commit | None
    ) -> float:
        links[self] = link
        return await send(self, link, quorum, batch, trace)

    def publish(
        self: Lane, rooms: dict[str, list[Held]], replies: Sequence[Reply]
    ) -> tuple[dict[str, Appended], dict[str, Reply]]:
        done, failed = sort(self, rooms, replies)
        news = [
            ("PUBLISH", keys.channel(room), channel.encode(told))
            for room, appended in done.items()
            if (told := committed(rooms[room], appended))
        ]
        if news:
            links[self].pipeline(news, ANSWER_S).add_done_callback(lambda done: done.exception())
        return done, failed

    Lane._send = keep_link  # type: ignore[method-assign]
    Lane._sort = publish  # type: ignore[method-assign]


def committed(helds: Sequence[Held], appended: Appended) -> channel.Committed | None:
    """Return what a lane would tell of a batch once it is committed."""
    places = [
        (outcome.seq, held.draft.payload(outcome.seq, outcome.ts))
        for held, outcome in zip(helds, appended.outcomes, strict=True)
        if isinstance(outcome, Receipt) and not outcome.dup
    ]
    if not places:
        return None
    return channel.Committed(appended.epoch, places[0][0], [payload for _, payload in places])


def wait_elsewhere() -> None:
    """WAIT on pooled connections: Redis counts who has what *that one* last knew to be written."""
    pools: dict[Generation, deque[Link]] = {}

    def questions(_: Quorum) -> list[Command]:
        return []

    async def commit(self: Quorum, _link: Link, _answers: Sequence[Reply]) -> int:
        generation, wanted = self.generation, max(1, self._insync.wanted)
        if generation not in pools:
            pools[generation] = deque([await generation.open() for _ in range(POOL)])
        counted = 0
        while counted < wanted:
            pools[generation].rotate()
            wait = [("WAIT", wanted, WAIT_MS)]
            counted = (await pools[generation][0].pipeline(wait, ANSWER_S))[0]
            generation.require()
        return -1

    Quorum.questions = questions  # type: ignore[assignment, method-assign]
    Quorum.commit = commit  # type: ignore[assignment, method-assign]


def history_from_a_replica() -> None:
    """Read pages from some replica, as "read scaling" does."""
    random = Random()

    async def page(self: Reader, question: Question) -> Page:
        generation = await self._succession.reigning()
        master = await generation.open()
        try:
            said = (await master.pipeline([("ROLE",)], ANSWER_S))[0]
            address = random.choice(sorted(master_role(said).replicas, key=str))
            replica = await generation.probe(address, PROBE_S)
        except (LinkLost, IndexError):
            raise Unavailable from None
        finally:
            master.close("asked")
        try:
            return self._page(question, await stored(replica, question))
        except (LinkLost, Garbled):
            raise Unavailable from None
        finally:
            replica.close("read")

    Reader.page = page  # type: ignore[method-assign]


async def stored(replica: Link, question: Question) -> Reply:
    """Do what read.lua does, by commands that a replica carries out."""
    log, bound, limit = keys.log(question.room), question.bound, question.limit
    reads: dict[str, Command] = {
        "after": ("XRANGE", log, f"(1-{bound}", "+", "COUNT", limit),
        "before": ("XREVRANGE", log, f"(1-{bound}", "-", "COUNT", limit),
        "last": ("XREVRANGE", log, "+", "-", "COUNT", limit),
        "head": ("XRANGE", log, "+", "+", "COUNT", 1),
    }
    commands = [("HMGET", keys.meta(question.room), "epoch", "head"), reads[question.which]]
    (epoch, head), entries = await replica.pipeline(commands, PROBE_S)
    return [epoch or b"none", int(head or 0), 1, entries if question.which != "head" else []]


HOW: Final[dict[str, Callable[[], None]]] = {
    "no-replica-ack": no_replica_ack,
    "no-idempotency-key": no_idempotency_key,
    "delivery-before-ack": delivery_before_ack,
    "wait-elsewhere": wait_elsewhere,
    "history-from-a-replica": history_from_a_replica,
    "mute": mute,
}

if __name__ == "__main__":
    HOW[sys.argv[1]]()
    sys.exit(main([]))
