"""Examples of frames, events and problems, shown in the documents and held to their schemas."""

from typing import Any, Final

from chat.commands import Auth, Join, Leave, Ping, Pong, Publish, Typing
from chat.frames import (
    Ack,
    Error,
    Events,
    Goaway,
    Hello,
    Joined,
    Left,
    Message,
    Notice,
    PresenceChange,
    ServerPing,
    ServerPong,
    TypingSignal,
    Welcome,
)

_TS: Final = 1_760_000_000_000

MESSAGE: Final[dict[str, Any]] = {
    "type": "message",
    "room": "general",
    "seq": 1503,
    "ts": _TS,
    "user": "u7",
    "name": "Bo",
    "cid": "9f-1",
    "text": "hi",
}
POST: Final[dict[str, Any]] = {"text": "hi", "reply_to": 1502, "mentions": ["u42"]}
PAGE: Final[dict[str, Any]] = {
    "room": "general",
    "epoch": "k3",
    "tail": 12,
    "head": 1503,
    "items": [MESSAGE],
}

FRAME_EXAMPLES: Final[dict[type, list[dict[str, Any]]]] = {
    Auth: [{"type": "auth", "id": 1, "token": "<jwt>", "batch": True, "client": "web/1.0"}],
    Join: [
        {"type": "join", "id": 2, "room": "general", "history": 20, "presence": True},
        {"type": "join", "room": "general", "since": 1503, "epoch": "k3"},
    ],
    Leave: [{"type": "leave", "id": 3, "room": "general"}],
    Publish: [
        {"type": "publish", "id": 7, "room": "general", "cid": "0b7c-2", "text": "hello"},
        {"type": "publish", "room": "general", "data": {"sticker": 4}, "reply_to": 1503},
    ],
    Typing: [{"type": "typing", "room": "general", "on": True}],
    Ping: [{"type": "ping", "id": 9}],
    Pong: [{"type": "pong"}],
    Hello: [{"type": "hello", "v": 1, "auth": "required", "auth_timeout_s": 10, "ts": _TS}],
    Welcome: [
        {
            "type": "welcome",
            "id": 1,
            "conn": "c7f3",
            "user": {"id": "u42", "name": "Ann"},
            "exp": 1_760_003_600,
            "ts": _TS,
            "ping_s": 25,
            "idle_s": 300,
            "limits": {"frame": 16384, "text": 4000, "data": 4096, "publish": [30, 60]},
        }
    ],
    Ack: [
        {"type": "ack", "id": 7, "cid": "0b7c-2", "room": "general", "ref": 1504, "ts": _TS},
        {"type": "ack", "id": 10, "exp": 1_760_007_200},
    ],
    Error: [
        {
            "type": "error",
            "id": 8,
            "cid": "77aa-3",
            "room": "general",
            "code": "rate_limited",
            "detail": "30 per 60 s",
            "retry_ms": 640,
        }
    ],
    Notice: [{"type": "notice", "code": "degraded"}],
    Goaway: [{"type": "goaway", "reason": "restart", "retry_ms": 1830, "deadline_ms": 20000}],
    ServerPing: [{"type": "ping"}],
    ServerPong: [{"type": "pong", "id": 9, "ts": _TS}],
    Joined: [
        {
            "type": "joined",
            "id": 2,
            "room": "general",
            "epoch": "k3",
            "tail": 12,
            "head": 1503,
            "perm": "rw",
            "presence": {"count": 12, "members": [{"id": "u7", "name": "Bo"}]},
            "events": [MESSAGE],
        }
    ],
    Events: [{"type": "events", "room": "general", "events": [MESSAGE], "more": True}],
    Left: [{"type": "left", "id": 3, "room": "general", "reason": "left"}],
    Message: [MESSAGE],
    TypingSignal: [{"type": "typing", "room": "general", "user": "u9", "on": True, "ttl_ms": 6000}],
    PresenceChange: [
        {"type": "presence", "room": "general", "count": 13, "join": [{"id": "u9", "name": "Cy"}]}
    ],
}
