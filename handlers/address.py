"""Whose connection it is: the peer, or what a trusted proxy says of it."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import web

from handlers.options import Network


def client_address(request: web.Request, trusted: Sequence[Network]) -> str:
    """Return the client's address.

    `X-Forwarded-For` is believed only from a trusted proxy, and then it is the rightmost hop that
    is not one: what stands left of it was written by the client.
    """
    address = request.remote or ""
    if not trusted or not is_trusted(address, trusted):
        return address
    hops = [
        hop.strip()
        for line in request.headers.getall("X-Forwarded-For", [])
        for hop in line.split(",")
    ]
    for hop in reversed(hops):
        if parsed(hop) is None:
            return address
        address = hop
        if not is_trusted(hop, trusted):
            return hop
    return address


def is_secure(request: web.Request, trusted: Sequence[Network]) -> bool:
    """Tell whether the client speaks TLS, with us or with a trusted proxy that says so.

    The last `X-Forwarded-Proto` is that proxy's own; those before it are anybody's.
    """
    if request.secure:
        return True
    said = request.headers.getall("X-Forwarded-Proto", [])
    last = said[-1].rpartition(",")[2].strip().lower() if said else ""
    return last == "https" and is_trusted(request.remote or "", trusted)


def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, of a mapped one the IPv4 address that it stands for; None: it is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    """Tell whether an address is one of these networks'."""
    found = parsed(address) if trusted else None
    return found is not None and any(found in network for network in trusted)
