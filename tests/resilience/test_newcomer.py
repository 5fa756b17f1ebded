"""A node that starts just as Redis comes back with less than others have shown."""

import asyncio
import shutil
from functools import partial

from deploy.local.cluster import Cluster
from deploy.local.redis_node import RedisNode
from resilience import keys
from resilience.continuity import YOUNG_S, Continuity
from tests.resilience.nodes import Node, OpenNode, opener
from tests.resilience.recorder import draft, texts, until

HISTORY = 9
MARK = 5
DOWN_S = 3.0  # by then whoever lost it rests as long as anybody does between two tries
KEYS = 600
FILL = f"for n = 1, {KEYS} do redis.call('SET', 'key:' .. n, string.rep('x', 200)) end"
KEY_US = 12_000  # to load one
SLOW = f"""
key-load-delay {KEY_US}
loading-process-events-interval-bytes 1024
rdbcompression no
"""


async def append_much(node: Node) -> None:
    """Fill the room that it follows, so that all but what comes later is on disk."""
    await node.log.follow("den")
    for number in range(1, HISTORY + 1):
        await node.log.append(draft(f"x{number}"))


async def rewritten(redis: RedisNode) -> None:
    """Let all that it has reach its disk."""
    await redis.command("BGREWRITEAOF")

    async def info() -> str:
        return str(await redis.command("INFO", "persistence"))

    await until(info, lambda said: "aof_rewrite_in_progress:0" in said)


async def test_a_newcomer_does_not_fill_what_others_have_lost() -> None:
    """Redis has lost a message that one node has shown; another one starts as it is back.

    The newcomer's first message must not stand in the lost one's place in the same epoch.
    """
    async with Cluster(replicas=0, sentinels=0) as cluster, opener(cluster.url()) as open_node:
        witness, (redis,) = await open_node(node="witness"), cluster.nodes
        await append_much(witness)
        await rewritten(redis)
        files = redis.directory / "appendonlydir"
        shutil.copytree(files, redis.directory / "kept")
        lost = await witness.log.append(draft("lost"))
        before = await witness.log.read("den", limit=1)
        await cluster.kill(redis)  # the power goes: the last second had not reached the disk
        shutil.rmtree(files)
        shutil.move(redis.directory / "kept", files)
        opening = asyncio.create_task(open_node(node="newcomer", wait_at_start=True))
        await asyncio.sleep(DOWN_S)
        await redis.start()
        newcomer = await opening
        receipt = await newcomer.log.append(draft("new"))
        assert receipt.seq == lost.seq
        after = await witness.log.read("den", limit=1)
        assert texts(after.events) == ["new"]
        assert after.epoch != before.epoch
        assert [room for room, _ in witness.heard.losses] == ["den"]


async def test_a_newcomer_doubts_what_took_long_to_load() -> None:
    """A Redis that loaded its disk for longer than it is young has just come back all the same.

    Whoever lost something may rest for a second yet: the newcomer gives them their time.
    """
    assert KEYS * KEY_US / 1e6 > YOUNG_S + 2
    async with Cluster(replicas=0, sentinels=0) as cluster, opener(cluster.url()) as open_node:
        (redis,) = cluster.nodes
        await redis.command("CONFIG", "SET", "rdbcompression", "no")
        await redis.command("EVAL", FILL, 0)
        await rewritten(redis)
        await cluster.kill(redis)
        with (redis.directory / "redis.conf").open("a") as settings:
            settings.write(SLOW)
        await redis.start()
        newcomer = await open_node(node="newcomer", wait_at_start=True)
        generation = newcomer.redis.succession.generation
        assert generation is not None
        assert generation.lineage.up_s > YOUNG_S
        assert generation.continuity is Continuity.DOUBTFUL


async def test_a_newcomer_learns_of_a_break_after_a_wipe(
    shared: Cluster, open_shared: OpenNode
) -> None:
    """The number of the last break was wiped too: what the newcomer begins is no old history."""
    master = await shared.master()
    await master.command("SET", keys.BREAK, MARK)

    async def mark(node: Node) -> int:
        generation = node.redis.succession.generation
        return generation.mark if generation is not None else 0

    witness = await open_shared(node="witness")
    await until(partial(mark, witness), lambda known: known == MARK)
    await master.command("FLUSHALL")
    newcomer = await open_shared(node="newcomer")
    await until(partial(mark, newcomer), lambda known: known == MARK)
    await newcomer.log.append(draft())
    pages = [await node.log.read("den", limit=1) for node in (newcomer, witness)]
    assert pages[0].epoch == pages[1].epoch
