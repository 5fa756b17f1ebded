"""The look at Redis's configuration: what it finds is of now, not of a minute ago."""

import asyncio
from typing import cast

from resilience.checkup import SOON_S, Checkup
from resilience.courier import Courier

INFO = (
    "role:master\r\nredis_version:7.4.0\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\n"
    "min_slaves_good_slaves:{replicas}\r\nconnected_slaves:{replicas}\r\n"
)


class Redis:
    """A master that is rightly set up; so many replicas follow it."""

    def __init__(self) -> None:
        self.replicas = 0
        self.asked = 0

    async def ask(self, _: object) -> list[bytes]:
        self.asked += 1
        return [INFO.format(replicas=self.replicas).encode()]


def broken(checkup: Checkup) -> list[str]:
    return [finding.name for finding in checkup.findings if not finding.ok]


async def test_what_is_mended_is_found_no_more() -> None:
    """A replica that comes back after its master ends the finding within two seconds."""
    redis = Redis()
    checkup = Checkup(cast("Courier", redis), None, 1)
    looking = asyncio.create_task(checkup.run())
    await asyncio.sleep(SOON_S / 2)
    assert broken(checkup) == ["replicas"]
    redis.replicas = 1
    await asyncio.sleep(SOON_S)
    assert broken(checkup) == []
    await asyncio.sleep(SOON_S)
    assert redis.asked == 2  # where all is well there is no hurry
    looking.cancel()
    await asyncio.wait({looking})
