"""A C program that does nothing but the system calls: the physical limit of this machine."""

from __future__ import annotations

from bench.paths import SENDS
from bench.peers import raw
from bench.peers.contract import Peer


def _peer(name: str, title: str, how: str) -> Peer:
    return Peer(
        name=name,
        title=title,
        command=lambda launch: [str(SENDS), str(launch.port), how],
        opening=raw.opening,
        publish=raw.publish,
        redis=False,
    )


PEERS = (
    _peer("sends", "C, only the `send()`s, joined by tick", "joined"),
    _peer("sends-each", "C, only the `send()`s, one a message", "each"),
)
