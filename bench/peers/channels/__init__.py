"""Django Channels over both layers of channels_redis, on uvicorn or daphne."""

from __future__ import annotations

from collections.abc import Callable

from bench.paths import PEER_PYTHON
from bench.peers import raw
from bench.peers.contract import Launch, Peer
from bench.peers.uvicorn import uvicorn

CORE = "channels_redis.core.RedisChannelLayer"
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"


def _uvicorn(launch: Launch) -> list[str]:
    return uvicorn("channels", launch)


def _daphne(launch: Launch) -> list[str]:
    place = ["-b", "127.0.0.1", "-p", str(launch.port), "--verbosity", "0"]
    return [str(PEER_PYTHON), "-m", "daphne", *place, "bench.peers.channels.server:app"]


def _peer(name: str, title: str, layer: str, command: Callable[[Launch], list[str]]) -> Peer:
    return Peer(
        name=name,
        title=title,
        command=command,
        environment=lambda launch: {
            "BENCH_REDIS_URL": launch.redis_url,
            "BENCH_LAYER": layer,
        },
        opening=raw.opening,
        publish=raw.publish,
    )


PEERS = (
    _peer("channels", "Channels + channels_redis, uvicorn", CORE, _uvicorn),
    _peer("channels-pubsub", "Channels + channels_redis pub/sub, uvicorn", PUBSUB, _uvicorn),
    _peer("channels-daphne", "Channels + channels_redis, daphne", CORE, _daphne),
)
