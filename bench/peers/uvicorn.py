"""How the ASGI peers are served: one uvicorn process with its C parts, its logs off."""

from __future__ import annotations

from bench.paths import PEER_PYTHON
from bench.peers.contract import Launch


def uvicorn(folder: str, launch: Launch) -> list[str]:
    """The command line for a peer's folder."""
    options = "--loop uvloop --http httptools --log-level warning --no-access-log"
    pings = "--ws-ping-interval 25 --ws-ping-timeout 25 --backlog 4096"
    place = f"--host 127.0.0.1 --port {launch.port}"
    app = f"bench.peers.{folder}.server:app"
    return [str(PEER_PYTHON), "-m", "uvicorn", app, *f"{options} {pings} {place}".split()]
