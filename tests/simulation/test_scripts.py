"""The model of the scripts does what the Lua does: the same calls to both, reply by reply."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from chat.log import Position
from deploy.local.cluster import Cluster
from resilience import keys
from resilience.append import Appending
from resilience.dialer import Dialer
from resilience.link import Command, Link, ReplyError
from resilience.options import EngineOptions
from resilience.scripts import APPEND, READ
from resilience.url import parse
from tests.simulation import commands
from tests.simulation.clock import VirtualLoop
from tests.simulation.connection import Connection
from tests.simulation.network import Network
from tests.simulation.publisher import draft
from tests.simulation.redis_node import RedisNode

CALLS = 400
ANSWER_S = 5.0
USERS, ROOMS, CIDS = ("ann", "bo"), ("den", "attic"), 12


@pytest.fixture
async def link() -> AsyncIterator[Link]:
    """A real Redis with nothing in it."""
    async with Cluster(replicas=0, sentinels=0) as cluster:
        target = parse(cluster.url())
        link = await Dialer(target.credentials, name="test").open(target.addresses[0], timeout_s=2)
        await link.pipeline([APPEND.load, READ.load], ANSWER_S)
        yield link
        link.close("done")


class Model:
    """A model of a single Redis whose clock is set by hand."""

    def __init__(self) -> None:
        chance = Random(1)
        loop = VirtualLoop(chance, shuffle=False)  # type: ignore[abstract] # never run
        self.node = RedisNode("r1", Network(loop, [0.0] * 1024), chance, modern=True)
        self.node.min_replicas = 0
        self.node.scripts = {APPEND.sha, READ.sha}
        self._base_ms = self.node.now_ms()
        pipe: Any = None
        self.connection = Connection(self.node, pipe, lambda: None)

    def execute(self, command: Command, now_ms: int) -> Any:
        """Carry a command out at a time of the wall clock."""
        self.node.skew_ms = now_ms - self._base_ms
        return commands.execute(self.node, self.connection, command)

    def execute_when(self, command: Command, times: range, wanted: Any) -> Any:
        """Carry it out at the first of these times that gives the wanted reply."""
        reply = None
        before = self.node.space
        for now_ms in times:
            self.node.space = before.copy()
            reply = self.execute(command, now_ms)
            if same(wanted, reply):
                break
        return reply


def some_call(random: Random, options: EngineOptions, heads: dict[str, tuple[str, int]]) -> Command:
    """Return a random append or read, now and then by one who knows too much, or of a break."""
    room = random.choice(ROOMS)
    epoch, head = heads.get(room, ("", 0))
    known = (epoch, max(0, head + random.choice((-3, 0, 0, 0, 0, 0, 0, 1))))
    mark = random.choice((0,) * 30 + (random.randint(1, 4),))
    token = f"{random.getrandbits(64):016x}"
    if random.random() < 0.3:
        which = random.choice(("after", "before", "last", "head"))
        bound, limit = random.randint(0, 20), random.randint(0, 7)
        stream_and_meta = (keys.log(room), keys.meta(room))
        return READ.call(stream_and_meta, token, *known, mark, which, bound, limit)
    drafts = [
        draft(room, random.choice(USERS), f"c{random.randrange(CIDS)}", random.choice(("a", "ä")))
        for _ in range(random.randint(1, 5))
    ]
    return Appending(options, lambda: token).call(room, drafts, Position(*known), mark)


def same(real: Any, model: Any) -> bool:
    """Tell whether two replies are equal; errors by their code."""
    if isinstance(real, ReplyError) or isinstance(model, ReplyError):
        return str(real).partition(" ")[0] == str(model).partition(" ")[0]
    return bool(real == model)


@pytest.mark.parametrize("seed", range(6))
async def test_the_model_does_what_the_lua_does(link: Link, seed: int) -> None:
    """Random calls get equal replies, and leave equal keys, in a real Redis and in the model."""
    random, model = Random(seed), Model()
    options = EngineOptions(
        node="t",
        publish=random.choice(((3, 0.05), (300, 0.05), (1_000_000, 60.0))),
        keys=random.choice((4, 200_000)),
        dedup_s=random.choice((0.05, 600.0)),
    )
    heads: dict[str, tuple[str, int]] = {}
    for _ in range(CALLS):
        call = some_call(random, options, heads)
        before, real, after = await link.pipeline([("TIME",), call, ("TIME",)], ANSWER_S)
        # Between the two TIMEs the call had one of these, and the model must agree at one.
        said = model.execute_when(call, range(_ms(before), _ms(after) + 1), real)
        assert same(real, said), (call, real, said)
        if not isinstance(real, ReplyError):
            _note(call, real, heads)
        if random.random() < 0.1:
            await asyncio.sleep(0.02)
    for room in ROOMS:
        assert await _stored(link, room) == _modelled(model, room)


def _ms(time: list[bytes]) -> int:
    return int(time[0]) * 1000 + int(time[1]) // 1000


def _note(call: Command, real: list[Any], heads: dict[str, tuple[str, int]]) -> None:
    room = str(call[3])[4:].partition("}")[0]
    head = real[1] if call[1] == READ.sha else max([heads.get(room, ("", 0))[1], *_seqs(real)])
    heads[room] = (real[0].decode(), head)


def _seqs(reply: list[Any]) -> list[int]:
    return [it if isinstance(it, int) else it[0] for it in reply[2:]]


async def _stored(link: Link, room: str) -> Any:
    asked: list[Command] = [("XRANGE", keys.log(room), "-", "+"), ("HGETALL", keys.meta(room))]
    entries, fields = await link.pipeline(asked, ANSWER_S)
    return entries, dict(zip(fields[::2], fields[1::2], strict=True))


def _modelled(model: Model, room: str) -> Any:
    entries = [[b"1-%d" % seq, fields] for seq, fields in model.node.look(keys.log(room)) or []]
    meta = model.node.look(keys.meta(room)) or {}
    return entries, {name.encode(): value for name, value in meta.items()}
