"""Socket.IO on Node with its Redis adapters, and in memory."""

from __future__ import annotations

from bench.paths import NODE_PEERS
from bench.peers import engineio
from bench.peers.contract import Launch, Peer


def _peer(name: str, title: str, kind: str) -> Peer:
    def command(launch: Launch) -> list[str]:
        return ["node", str(NODE_PEERS / "server.js"), str(launch.port), launch.redis_url, kind]

    return Peer(
        name=name,
        title=title,
        command=command,
        environment=lambda _: {"NODE_ENV": "production"},
        opening=engineio.opening,
        publish=engineio.publish,
        path=engineio.PATH,
        beat=engineio.BEAT,
        redis=kind != "memory",
    )


PEERS = (
    _peer("socket.io", "Socket.IO (Node) + redis-adapter", "pubsub"),
    _peer("socket.io-streams", "Socket.IO (Node) + redis-streams-adapter", "streams"),
    _peer("socket.io-memory", "Socket.IO (Node), in memory", "memory"),
)
