"""How the ASGI peers are served: one uvicorn process with its C parts, its logs off."""

from __future__ import annotations

from bench.paths import PEERS
from bench.peers.contract import Launch


def uvicorn(folder: str, app: str, launch: Launch) -> list[str]:
    """The arguments after the interpreter."""
    options = "--loop uvloop --http httptools --log-level warning --no-access-log"
    pings = "--ws-ping-interval 25 --ws-ping-timeout 25 --backlog 4096"
    place = f"--host 127.0.0.1 --port {launch.port} --app-dir {PEERS / folder}"
    return ["-m", "uvicorn", app, *options.split(), *pings.split(), *place.split()]
