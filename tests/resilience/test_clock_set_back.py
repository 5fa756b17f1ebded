"""Redis' own clock is set back: no rate opens or stays shut, and no dead node lives on."""

import asyncio

import pytest

from chat.errors import Refusal
from deploy.local.cluster import Cluster
from resilience import keys, lease
from tests.resilience.nodes import OpenNode
from tests.resilience.recorder import draft, until

LIMIT = 3
WINDOW_S = 1.0
HOUR_MS = 3_600_000
KEY = "hf:rate:{ann}"
MOVE = """
local moved = struct.pack('>d', struct.unpack('>d', redis.call('GET', KEYS[1])))
local times = string.sub(redis.call('GET', KEYS[1]), 9)
for at = 1, #times, 8 do
  moved = moved .. struct.pack('>d', struct.unpack('>d', times, at) + tonumber(ARGV[1]))
end
redis.call('SET', KEYS[1], moved)
"""


@pytest.mark.parametrize("said", [LIMIT - 1, LIMIT])
async def test_the_rate_opens_after_its_window(
    shared: Cluster, open_shared: OpenNode, said: int
) -> None:
    """An hour back: no more than the limit is let in, and after one window as much again.

    A clock can't be set here, so the times of the last publishes are put an hour ahead of it.
    """
    log = (await open_shared(publish=(LIMIT, WINDOW_S))).log
    for _ in range(said):
        await log.append(draft(user="ann"))
    await (await shared.master()).command("EVAL", MOVE, 1, KEY, HOUR_MS)
    for _ in range(said, LIMIT):
        await log.append(draft(user="ann"))
    with pytest.raises(Refusal) as refused:
        await log.append(draft(user="ann"))
    assert refused.value.code == "rate_limited"
    assert refused.value.retry_ms is not None
    assert refused.value.retry_ms <= WINDOW_S * 1000 + 1
    await asyncio.sleep(refused.value.retry_ms / 1000)
    await log.append(draft(user="ann"))
    await asyncio.sleep(WINDOW_S)  # the others were said some milliseconds after the first
    for _ in range(1, said):
        await log.append(draft(user="ann"))


async def test_a_dead_node_is_buried(
    shared: Cluster, open_shared: OpenNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease that ends in an hour ends as early as one that begins now."""
    monkeypatch.setattr(lease, "LEASE_MS", 1_000)
    monkeypatch.setattr(lease, "BEAT_S", 0.1)
    await open_shared()
    master = await shared.master()
    now_ms = int((await master.command("TIME"))[0]) * 1_000
    await master.command("HSET", keys.node_rooms("dead"), "den", 1)
    await master.command("HSET", keys.members("den"), "ann/dead", "")
    await master.command("ZADD", keys.NODES, now_ms + HOUR_MS, "dead")
    await until(lambda: master.command("ZSCORE", keys.NODES, "dead"), lambda ends: ends is None)
    assert await master.command("EXISTS", keys.members("den")) == 0
