"""Dialing what others name: whatever they say, there is a link or there is none."""

import asyncio
from collections.abc import Callable

import pytest
import uvloop

from deploy.local.ports import LOOPBACK
from resilience.address import Address
from resilience.dialer import Dialer
from resilience.link import LinkLost
from resilience.url import Credentials


@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
@pytest.mark.parametrize(
    "address",
    [
        Address("\ufffd", 1),
        Address("a" * 64, 1),
        Address("a..b", 1),
        Address("a\0b", 1),
        Address(LOOPBACK, -1),
        Address(LOOPBACK, 2**16),
        Address(LOOPBACK, 10**19),
    ],
    ids=str,
)
def test_what_is_no_address_is_no_link(
    new_loop: Callable[[], asyncio.AbstractEventLoop], address: Address
) -> None:
    """What is neither host nor port leads to no link, as a host does where nobody listens."""
    with asyncio.Runner(loop_factory=new_loop) as runner, pytest.raises(LinkLost):
        runner.run(Dialer(Credentials(), name="test").open(address))
