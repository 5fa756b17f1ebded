"""AsyncAPI 3.0 of the WebSocket protocol, made from the frames' own types."""

from typing import Any, Final

from chat.closes import CLOSES
from chat.commands import COMMANDS, Auth, Join, Leave, Ping, Publish, Typing
from chat.frames import FRAMES, Ack, Events, Joined, Left, Message, ServerPong, Welcome
from handlers.examples import FRAME_EXAMPLES
from handlers.schemas import ERROR_TABLE, VERSION, ref, schemas

PATH: Final = "/ws"
REPLIES: Final[dict[type, type]] = {
    Auth: Welcome,
    Join: Joined,
    Leave: Left,
    Publish: Ack,
    Typing: Ack,
    Ping: ServerPong,
}
_VERDICTS: Final = {
    40: "stay away",
    41: "get a fresh token once, then reconnect",
    42: "back off with full jitter, then reconnect",
    43: "reconnect at once and resume",
}
_STANDARD: Final = {1003: "send text", 1007: "send UTF-8", 1009: "send less", 1012: "reconnect"}


def document() -> dict[str, Any]:
    """Return the document."""
    components = schemas([*COMMANDS, *FRAMES])
    for form in (Joined, Events):  # an event travels as the bytes it was stored as
        components[form.__name__]["properties"]["events"]["items"] = ref(Message)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "chat.v1",
            "version": VERSION,
            "description": "Text frames, each a JSON object or an array of 1 to 64 of them. "
            "Unknown fields are ignored, unknown types answered with `unknown_type`.",
        },
        "defaultContentType": "application/json",
        "channels": {"chat": _channel()},
        "operations": _operations(),
        "components": {
            "messages": {form.__name__: _message(form) for form in (*COMMANDS, *FRAMES)},
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
        "x-errors": ERROR_TABLE,
        "x-close-codes": [
            {"code": close.code, "name": close.name, "client": verdict(close.code)}
            for close in CLOSES
        ],
    }


def verdict(code: int) -> str:
    """Return what a client does after a close code: the range says it."""
    return _STANDARD.get(code) or _VERDICTS[code // 100]


def _channel() -> dict[str, Any]:
    return {
        "address": PATH,
        "description": "Subprotocol `chat.v1`. The token travels in the first frame, `auth`, or "
        "as a second subprotocol `bearer.<jwt>`; never in the URL.",
        "messages": {
            form.__name__: {"$ref": f"#/components/messages/{form.__name__}"}
            for form in (*COMMANDS, *FRAMES)
        },
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
    }


def _operations() -> dict[str, Any]:
    """The server's point of view: it receives commands, and sends most frames unasked too.

    `welcome` after an offered `bearer`, `joined` with a `reset`, `left` when a new token forbids.
    """
    received = {form.__name__.lower(): _receive(form) for form in COMMANDS}
    unasked = [_in_channel(form) for form in FRAMES if form not in {Ack, ServerPong}]
    sent = {"action": "send", "channel": _CHANNEL, "messages": unasked}
    return received | {"tell": sent}


def _receive(form: type) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": "receive",
        "channel": _CHANNEL,
        "messages": [_in_channel(form)],
    }
    if form in REPLIES:
        replies = [_in_channel(REPLIES[form]), {"$ref": "#/channels/chat/messages/Error"}]
        operation["reply"] = {"channel": _CHANNEL, "messages": replies}
    return operation


_CHANNEL: Final = {"$ref": "#/channels/chat"}


def _in_channel(form: type) -> dict[str, str]:
    return {"$ref": f"#/channels/chat/messages/{form.__name__}"}


def _message(form: type) -> dict[str, Any]:
    return {
        "name": form.__struct_config__.tag,  # type: ignore[attr-defined]
        "title": form.__name__,
        "payload": ref(form),
        "examples": [{"payload": example} for example in FRAME_EXAMPLES.get(form, ())],
    }
