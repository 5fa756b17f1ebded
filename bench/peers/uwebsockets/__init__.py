"""uWebSockets by its Python package socketify: the in-memory limit of a native server."""

from bench.paths import PEER_PYTHON
from bench.peers import raw
from bench.peers.contract import Peer

PEERS = (
    Peer(
        name="uwebsockets",
        title="uWebSockets (C++, by socketify), in memory",
        command=lambda launch: [
            str(PEER_PYTHON),
            "-m",
            "bench.peers.uwebsockets.server",
            str(launch.port),
        ],
        opening=raw.opening,
        publish=raw.publish,
        redis=False,
    ),
)
