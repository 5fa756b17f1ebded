"""python-socketio with its AsyncRedisManager, on uvicorn."""

from bench.peers import engineio
from bench.peers.contract import Peer
from bench.peers.uvicorn import uvicorn

PEERS = (
    Peer(
        name="python-socketio",
        title="python-socketio + AsyncRedisManager, uvicorn",
        command=lambda launch: uvicorn("socketio", launch),
        environment=lambda launch: {"BENCH_REDIS_URL": launch.redis_url},
        opening=engineio.opening,
        publish=engineio.publish,
        path=engineio.PATH,
        beat=engineio.BEAT,
    ),
)
