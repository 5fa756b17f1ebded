"""The small JSON protocol that the raw WebSocket peers speak: join a room, say something in it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from bench.peers.contract import Seat, message_text


def opening(seat: Seat) -> Iterable[str]:
    """Joins the room and waits until the server has said so."""
    yield "send " + json.dumps({"type": "join", "room": seat.room, "user": seat.user})
    yield 'expect "joined"'


def publish(seat: Seat) -> str:
    """One message to everybody in the room."""
    return publish_frame({"type": "publish", "room": seat.room, "text": message_text()})


def publish_frame(fields: dict[str, str]) -> str:
    """The JSON of a frame with the stamp's place left as the one byte the generator looks for."""
    return json.dumps(fields, separators=(",", ":")).replace("\\u0001", "\x01")
