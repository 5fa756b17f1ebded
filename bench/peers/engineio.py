"""The bytes of a Socket.IO v4 client over a WebSocket from the start."""

from __future__ import annotations

import json
from collections.abc import Iterable

from bench.peers.contract import Seat, message_text

PATH = "/socket.io/?EIO=4&transport=websocket"
BEAT = ("2", "3")
"""Engine.IO's ping packet and its pong."""


def opening(seat: Seat) -> Iterable[str]:
    """Opens the transport, connects to the main namespace, joins the room by an event."""
    yield "expect 0{"
    yield "send 40"
    yield "expect 40{"
    yield "send 42" + json.dumps(["join", {"room": seat.room, "user": seat.user}])
    yield 'expect "joined"'


def publish(seat: Seat) -> str:
    """The event of one message to the room."""
    arguments = ["publish", {"room": seat.room, "text": message_text()}]
    return "42" + json.dumps(arguments, separators=(",", ":")).replace("\\u0001", "\x01")
