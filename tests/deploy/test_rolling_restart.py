"""Chat servers are restarted and replaced behind the proxy while people talk."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp
import pytest

from deploy.local.audience import read_log
from deploy.local.chat_node import ChatNode
from deploy.local.cluster import Cluster
from deploy.local.demo import GENEROUS
from deploy.local.waiting import together
from tests.deploy.crowd import Crowd, crowd
from tests.deploy.nginx import Proxy, proxying


class Load(NamedTuple):
    people: int
    rooms: int
    messages_per_s: int
    drain_s: int
    busiest_second: float  # the share of the reconnects that may fall into one second


SHORT = Load(people=60, rooms=6, messages_per_s=40, drain_s=4, busiest_second=0.6)
FULL = Load(people=500, rooms=50, messages_per_s=200, drain_s=10, busiest_second=0.2)
BEFORE_S = 1.0
AFTER_DRAIN_S = 10.0

both = pytest.mark.parametrize(
    "load",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(FULL, id="full", marks=[pytest.mark.drill, pytest.mark.timeout(240)]),
    ],
)


class Stage(NamedTuple):
    cluster: Cluster
    present: Sequence[ChatNode]
    following: Sequence[ChatNode]  # not started yet
    proxy: Proxy


@asynccontextmanager
async def staged(load: Load) -> AsyncIterator[Stage]:
    """Two chat servers on a whole Redis topology, places for two more, and the proxy."""
    settings = {**GENEROUS, "DRAIN_SECONDS": str(load.drain_s)}
    async with Cluster(chats=2, settings=settings) as cluster:
        present, following = tuple(cluster.chats), (cluster.chat(), cluster.chat())
        ports, next_ports = ([chat.port for chat in chats] for chats in (present, following))
        async with proxying(ports, next_ports) as proxy:
            yield Stage(cluster, present, following, proxy)


@asynccontextmanager
async def talking(stage: Stage, load: Load) -> AsyncIterator[Crowd]:
    """People who talk within the block; after it nobody may have lost or missed anything."""
    every_s = load.people / load.messages_per_s
    secret = stage.cluster.jwt_secret
    async with crowd(stage.proxy.url, secret, load.rooms, load.people, every_s) as people:
        await asyncio.sleep(BEFORE_S)
        yield people
        await asyncio.sleep(BEFORE_S)
    url = next(chat.url for chat in stage.cluster.chats if chat.process.running)
    for room in {member.room for member in people.members}:
        log = await read_log(url, secret, room)
        here = [member for member in people.members if member.room == room]
        lost = [cid for member in here for cid, seq in member.acked.items() if log.get(cid) != seq]
        assert lost == []
        assert sum(len(member.acked) for member in here) == len(log)
        for member in here:
            assert member.heard == list(range(1, len(log) + 1))
            assert member.resets == []


async def connections(chat: ChatNode) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{chat.url}/health/websocket") as answer,
    ):
        return int((await answer.json())["connections"])


def busiest(moments: Sequence[float], since: float) -> int:
    return max(Counter(int(moment - since) for moment in moments).values())


@both
async def test_one_after_the_other(load: Load) -> None:
    """Each restart in place moves those who were there once, nobody else, spread over the drain."""
    async with staged(load) as stage, talking(stage, load) as people:
        for chat in stage.present:
            affected = await connections(chat)
            assert affected
            begin = time.monotonic()
            assert await chat.process.terminate(load.drain_s + AFTER_DRAIN_S) == 0
            await people.all_online(AFTER_DRAIN_S)
            moves = people.moves(begin)
            await chat.start()
            assert max(len(moments) for moments in moves) == 1
            moments = [moment for each in moves for moment in each]
            assert len(moments) == affected
            assert busiest(moments, begin) <= load.busiest_second * affected
        assert [member.refusals for member in people.members if member.refusals] == []


@both
async def test_the_next_version_beside_this_one(load: Load) -> None:
    """With the next version started first, the whole upgrade moves each socket exactly once."""
    async with staged(load) as stage, talking(stage, load) as people:
        await together(*(chat.start() for chat in stage.following))
        await stage.proxy.turn()
        assert [len(each) for each in people.moves()] == [0] * load.people
        begin = time.monotonic()
        ends = await asyncio.gather(
            *(chat.process.terminate(load.drain_s + AFTER_DRAIN_S) for chat in stage.present)
        )
        assert ends == [0, 0]
        await people.all_online(AFTER_DRAIN_S)
        moves = people.moves()
        assert [len(each) for each in moves] == [1] * load.people
        assert busiest([each[0] for each in moves], begin) <= load.busiest_second * load.people
        assert [member.refusals for member in people.members if member.refusals] == []
        assert sum([await connections(chat) for chat in stage.following]) == load.people
