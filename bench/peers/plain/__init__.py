"""Plain aiohttp, on Holdfast's own interpreter: `await ws.send_str(text)` for each member."""

import sys

from bench.peers import raw
from bench.peers.contract import Launch, Peer


def _command(launch: Launch) -> list[str]:
    server = "bench.peers.plain.server"
    return [sys.executable, "-m", server, str(launch.port), launch.redis_url]


PEERS = (
    Peer(
        name="plain-memory",
        title="aiohttp, `await ws.send_str` loop, in memory",
        command=lambda launch: _command(Launch(launch.port)),
        opening=raw.opening,
        publish=raw.publish,
        redis=False,
    ),
    Peer(
        name="plain",
        title="aiohttp + Redis pub/sub, `await ws.send_str` loop",
        command=_command,
        opening=raw.opening,
        publish=raw.publish,
    ),
)
