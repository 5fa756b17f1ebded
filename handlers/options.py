"""What the edge is told by the settings."""

from ipaddress import IPv4Network, IPv6Network

import msgspec

from chat.limits import Limits, Pace
from chat.session import Timing

Network = IPv4Network | IPv6Network


class EdgeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds and habits of this node's edge; seconds and counts."""

    limits: Limits = Limits()
    pace: Pace = Pace()
    timing: Timing = Timing()
    origins: frozenset[str] = frozenset()
    trusted_proxies: tuple[Network, ...] = ()
    connections: int = 100
    connections_per_ip: int = 20
    connections_per_user: int = 10
    unauthenticated_per_ip: int = 20  # those who have shaken hands and not signed in yet
    bad_tokens_per_minute: int = 60  # per address, by REST; after them none is looked at
    handshakes_per_minute: int = 120  # per address: a page reloaded every second is a script
    ping_s: float = 25  # proxies cut what is silent for 60 s
    pong_s: float = 12.5  # so a client that vanished is reaped within 40 s
    goodbye_s: float = 5  # how long a peer may take to answer a close
    drain_s: float = 10
    hold_s: float = 15  # how long a join may wait for the storage
    console: bool = False
    dev: bool = False
