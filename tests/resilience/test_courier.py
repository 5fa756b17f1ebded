"""Errands while there is no master: they end in time, make room, and hold nobody up."""

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

import pytest

from chat.errors import Unavailable
from chat.presence import ConnectionInfo
from resilience import courier
from resilience.checkup import Checkup
from resilience.connections_redis import RedisConnections
from resilience.control import Control
from resilience.courier import Courier
from resilience.lease import Lease
from resilience.reports import Reports
from resilience.succession import Succession

HOLD_S = 0.2
FULL = 8


class NoMaster:
    """A succession whose throne stays empty."""

    async def reigning(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture
async def full(monkeypatch: pytest.MonkeyPatch) -> Courier:
    """A courier without a master, on whom few may wait."""
    monkeypatch.setattr(courier, "WAITING", FULL)
    return Courier(cast("Succession", NoMaster()), HOLD_S)


async def refused_after(courier: Courier) -> float:
    """Return after how many seconds an errand was refused."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    with pytest.raises(Unavailable):
        await courier.ask([("PING",)])
    return loop.time() - begun


async def test_what_was_given_up_makes_room(full: Courier) -> None:
    """As many as may wait are waited for; once their time is over the next ones are, too."""
    for _ in range(2):
        times = await asyncio.gather(*(refused_after(full) for _ in range(FULL + 1)))
        assert min(times) == times[FULL] < HOLD_S / 2
        assert min(times[:FULL]) > HOLD_S / 2


async def assert_it_holds_nobody_up(work: Coroutine[Any, Any, None], full: Courier) -> None:
    """Run it while as many wait as may, until their time is over: that comes, and it goes on."""
    waiting = [asyncio.create_task(refused_after(full)) for _ in range(FULL)]
    await asyncio.sleep(0)
    working = asyncio.create_task(work)
    await asyncio.gather(*waiting)
    assert not working.done()
    working.cancel()
    await asyncio.wait({working})


async def test_a_checkup_refused_at_once_holds_nobody_up(full: Courier) -> None:
    """When too many wait already, the check-up tries again later and the loop goes on."""
    await assert_it_holds_nobody_up(Checkup(full, None, 1).run(), full)


async def test_connections_refused_at_once_hold_nobody_up(full: Courier) -> None:
    """When too many wait already, connections are written later and the loop goes on."""
    lease = Lease("a", full, Reports("a", dict))
    connections = RedisConnections(full, lease, cast("Control", None))
    connections.register(ConnectionInfo(conn="1", user="ann", node="a", address="", since=1))
    await assert_it_holds_nobody_up(connections.run(), full)
