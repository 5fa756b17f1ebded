"""Holdfast itself, over its Redis engine and over its memory engine."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection

import jwt

from bench.paths import ROOT
from bench.peers.contract import ACK_MARK, STAMP, Launch, Peer, Position, Seat, message_text
from bench.peers.raw import publish_frame

SECRET = secrets.token_urlsafe(32)
AUDIENCE = "chat"
TOKEN_LIFE = 3 * 3600
REST_DEADLINE = 10.0
UNLIMITED = "1000000"
"""Above what any workload opens or publishes, so that the limits are checked and never met."""


def _environment(launch: Launch) -> Mapping[str, str]:
    return {
        "HOST": "127.0.0.1",
        "PORT": str(launch.port),
        "ADMIN_PORT": "0",
        "REDIS_URL": launch.sentinel_url or launch.redis_url,
        "JWT_SECRET": SECRET,
        "JWT_AUDIENCE": AUDIENCE,
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT_MESSAGES_PER_MINUTE": UNLIMITED,
        "WEBSOCKET_MAX_CONNECTIONS": UNLIMITED,
        "WEBSOCKET_MAX_CONNECTIONS_PER_IP": UNLIMITED,
        "WEBSOCKET_MAX_CONNECTIONS_PER_USER": "10000",
        "WEBSOCKET_MAX_UNAUTHENTICATED_PER_IP": UNLIMITED,
        "WEBSOCKET_HANDSHAKES_PER_MINUTE": UNLIMITED,
    }


def _memory_environment(launch: Launch) -> Mapping[str, str]:
    return _environment(Launch(launch.port))


def token(user: str) -> str:
    """A token for the user that opens every room for reading and writing."""
    now = int(time.time())
    claims = {"sub": user, "aud": AUDIENCE, "iat": now, "exp": now + TOKEN_LIFE}
    return jwt.encode(claims | {"rooms": {"*": "rw"}}, SECRET, algorithm="HS256")


def opening(seat: Seat) -> Iterable[str]:
    """Authenticates, then joins the room: live, or resumed with all that was missed."""
    yield "send " + publish_frame({"type": "auth", "token": token(seat.user)})
    yield 'expect "type":"welcome"'
    if seat.missed is None:
        yield f'send {{"type":"join","room":"{seat.room}","history":0}}'
        yield 'expect "type":"joined"'
    else:
        since = f'"since":{seat.missed.since.seq},"epoch":"{seat.missed.since.epoch}"'
        yield f'send {{"type":"join","room":"{seat.room}",{since}}}'
        yield f'expect "seq":{seat.missed.head.seq},'


def head(port: int, room: str) -> Position:
    """The end of a room's log, as its REST page names it."""
    connection = HTTPConnection("127.0.0.1", port, timeout=REST_DEADLINE)
    headers = {"Authorization": f"Bearer {token('reader')}"}
    with contextlib.closing(connection):
        connection.request("GET", f"/v1/rooms/{room}/messages?limit=1", headers=headers)
        page = json.load(connection.getresponse())
    return Position(page["epoch"], page["head"])


def publish(seat: Seat) -> str:
    """One message under a client id of its own, so that its ack can be told."""
    cid = f"{ACK_MARK}{STAMP}-{seat.run}"
    return publish_frame({"type": "publish", "room": seat.room, "cid": cid, "text": message_text()})


def _command(*options: str) -> list[str]:
    return [str(ROOT / ".venv" / "bin" / "python"), "-m", "server", *options]


PEERS = (
    Peer(
        name="holdfast",
        title="Holdfast (ack rule on)",
        command=lambda _: _command(),
        environment=_environment,
        opening=opening,
        publish=publish,
        headers=("Sec-WebSocket-Protocol: chat.v1",),
        acks=True,
        sequence='"seq":',
        head=head,
    ),
    Peer(
        name="holdfast-memory",
        title="Holdfast, memory engine",
        command=lambda _: _command("--dev"),
        environment=_memory_environment,
        opening=opening,
        publish=publish,
        headers=("Sec-WebSocket-Protocol: chat.v1",),
        acks=True,
        sequence='"seq":',
        head=head,
        redis=False,
    ),
)
