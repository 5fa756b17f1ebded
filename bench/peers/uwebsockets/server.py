"""A chat room in uWebSockets: its own topics carry the fan-out, Python sees each message once."""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

import json
import sys
import time
from typing import Any

from socketify import App, CompressOptions, OpCode

app = App()


def command(ws: Any, text: str, opcode: OpCode) -> None:
    """`join` enters a room, `publish` says something in it."""
    frame = json.loads(text)
    if frame["type"] == "join":
        ws.subscribe(frame["room"])
        ws.send(json.dumps({"type": "joined", "room": frame["room"]}), opcode)
    else:
        event = {"type": "message", "room": frame["room"], "user": "u", "ts": time.time()}
        app.publish(frame["room"], json.dumps(event | {"text": frame["text"]}), opcode)


app.ws(
    "/ws",
    {
        "compression": CompressOptions.DISABLED,
        "idle_timeout": 50,  # pings go out at half of it, as often as Holdfast's
        "message": command,
    },
)
app.listen({"port": int(sys.argv[1]), "host": "127.0.0.1"})
app.run()
