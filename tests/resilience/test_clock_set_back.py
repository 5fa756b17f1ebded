"""Redis' own clock is set back: the rate neither opens nor stays shut."""

import asyncio

import pytest

from chat.errors import Refusal
from deploy.local.cluster import Cluster
from tests.resilience.nodes import OpenNode
from tests.resilience.recorder import draft

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
