"""Whose address it is: nobody is believed but a trusted proxy."""

from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request

from handlers.address import client_address

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def seen(peer: str, *forwarded: str, trusted: bool = True) -> str:
    headers = [("X-Forwarded-For", line) for line in forwarded]
    request = make_mocked_request("GET", "/ws", headers=headers or None)
    request = request.clone(remote=peer)
    return client_address(request, TRUSTED if trusted else ())


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["nonsense, 10.2.2.2"], "10.2.2.2"),
        ("fd00::1", ["2001:db8::5"], "2001:db8::5"),
        ("10.0.0.1", ["198.51.100.1, ::ffff:10.0.0.2"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
    ],
)
def test_rightmost_untrusted_hop(peer: str, forwarded: list[str], address: str) -> None:
    """Behind a trusted proxy it is the rightmost hop that is none; else the peer itself."""
    assert seen(peer, *forwarded) == address


def test_without_trusted_proxies() -> None:
    """Without trusted proxies the header is not looked at."""
    assert seen("10.0.0.1", "198.51.100.1", trusted=False) == "10.0.0.1"
