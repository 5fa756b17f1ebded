"""Where aiohttp's parser of WebSocket frames puts what it has read: a list instead of a queue."""

from typing import Any

from aiohttp import WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue

Message = tuple[WSMsgType, Any, Any]  # kind, data, and the text of a close


class Inbox(WebSocketDataQueue):
    """The messages of one read, in order; what breaks the protocol stands at its end.

    Of the queue that the parser requires only these two calls are left. It never reports itself
    full: reading is paused by whoever takes from it.
    """

    _size = _limit = 0

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def feed_data(self, data: Any, size: int) -> None:  # noqa: ARG002 - the signature is aiohttp's
        """Take a message."""
        self.messages.append(data)

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Take the mistake after which nothing can be read."""
        exc.__cause__ = exc_cause
        self.messages.append((WSMsgType.ERROR, exc, None))
