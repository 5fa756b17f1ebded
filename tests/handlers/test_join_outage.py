"""Joins while the storage is away: each is answered in its time, however many there are."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from chat.log import Position
from deploy.local.cluster import Cluster
from handlers.peer import SPREAD_MS
from tests.chatting import Client, Served, serving

HOLD_S = 1.0
ROOMS = tuple(f"r{number}" for number in range(12))


@asynccontextmanager
async def outage() -> AsyncIterator[tuple[Served, Client, Client]]:
    """Give a server whose storage is gone, who is in all rooms since before, and who is in none."""
    async with (
        Cluster(replicas=0, sentinels=0) as cluster,
        serving(REDIS_URL=cluster.url(), PUBLISH_HOLD_SECONDS=HOLD_S) as served,
        served.client() as within,
        served.client() as outside,
    ):
        await within.sign_in("ann")
        await outside.sign_in("bo")
        for room in ROOMS:
            assert (await within.join(room))["type"] == "joined"
        await cluster.kill(await cluster.master())
        yield served, within, outside


async def answers(client: Client, rooms: Sequence[str]) -> set[tuple[int, str, int]]:
    """Join all at once; return the id, code and retry of each answer."""
    joins = [{"type": "join", "id": n, "room": room} for n, room in enumerate(rooms)]
    await client.send(*joins)
    errors = [await client.until("error") for _ in joins]
    return {(error["id"], error["code"], error["retry_ms"]) for error in errors}


@pytest.mark.parametrize("rooms", [ROOMS, ["r0"] * 12, ["other", *ROOMS]])
async def test_joins_in_an_outage_are_answered_in_time(rooms: Sequence[str]) -> None:
    """Any number of joins sent at once, of many rooms or of one, waits for one hold time."""
    async with outage() as (_, _, client), asyncio.timeout(HOLD_S + 1):
        told = await answers(client, rooms)
        assert {(at, code) for at, code, _ in told} == {
            (n, "unavailable") for n in range(len(rooms))
        }
        (retry_ms,) = {retry_ms for *_, retry_ms in told}
        assert 1_000 <= retry_ms < 1_000 + SPREAD_MS
        assert (await client.ask({"type": "ping"}))["type"] == "pong"


async def test_who_joined_in_vain_is_in_no_room() -> None:
    """What the deadline cuts leaves nothing behind: the others are there, and nobody else."""
    async with outage() as (served, _, client):
        await answers(client, ROOMS)
        assert served.node.hub.statistics() == {"rooms": 12, "live": 12, "catching": 0}
        (peer,) = [peer for peer in served.node.peers.values() if peer.user == "bo"]
        assert not peer.session.rooms


async def test_rejoins_in_an_outage_end_in_a_resync() -> None:
    """Who can't be brought back after a lost history is told to reconnect, in the same time."""
    async with outage() as (served, client, _), asyncio.timeout(HOLD_S + 1):
        for room in ROOMS:
            served.node.hub.lost(room, Position("another", 0))
        assert (await client.closing()).code == 4301
