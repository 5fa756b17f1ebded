"""FastAPI on uvicorn with Redis pub/sub."""

from bench.peers import raw
from bench.peers.contract import Peer
from bench.peers.uvicorn import uvicorn

PEERS = (
    Peer(
        name="fastapi",
        title="FastAPI + Redis pub/sub, uvicorn",
        command=lambda launch: uvicorn("fastapi", launch),
        environment=lambda launch: {"BENCH_REDIS_URL": launch.redis_url},
        opening=raw.opening,
        publish=raw.publish,
    ),
)
