"""What each REST route takes, returns and refuses, said once for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp.typedefs import Handler

from chat.frames import Message, PresenceView
from chat.names import MessageId
from handlers import admin, health, messages, presence
from handlers.examples import MESSAGE, PAGE, POST

_READING: Final = (
    *("bad_request", "unauthorized", "token_invalid", "token_expired", "forbidden"),
    *("rate_limited", "unavailable", "internal"),
)


class Answer(msgspec.Struct, frozen=True):
    """A success: what it means, its body, its headers by name with what they say."""

    meaning: str
    body: type | None = None
    example: Any = None
    headers: Mapping[str, str] = {}


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A route as its user sees it; `codes` are the refusals.

    `statuses` are those with a status that is not their code's: the code, and what it means here.
    """

    answers: Mapping[int, Answer]
    path: type | None = None
    query: type | None = None
    headers: Mapping[str, Any] = {}
    body: type | None = None
    example: Any = None
    codes: tuple[str, ...] = _READING
    statuses: Mapping[int, tuple[str, str]] = {}
    secured: bool = True


_RATE: Final = {"RateLimit-Policy": "The publish rate: `q` messages in any `w` seconds."}
_WAITED: Final = {"Preference-Applied": "The seconds of `Prefer: wait` that are honoured."}

OPERATIONS: Final[dict[Handler, Operation]] = {
    messages.publish: Operation(
        path=messages.RoomPath,
        headers={
            "Idempotency-Key": MessageId,
            "Prefer": "`wait=<s>`: how long the storage is waited for; 10 by default, 1 to 15.",
            "traceparent": "W3C trace context; an invalid one is ignored.",
        },
        body=messages.Post,
        example=POST,
        answers={
            201: Answer(
                "Said, and safe.",
                Message,
                MESSAGE,
                {"Location": "Where the message is.", **_RATE, **_WAITED},
            ),
            200: Answer(
                "The key was used for the same content before: the message of then.",
                Message,
                MESSAGE,
                {
                    "Location": "Where the message is.",
                    "Idempotency-Replayed": "`true`",
                    **_RATE,
                    **_WAITED,
                },
            ),
        },
        codes=(*_READING, "too_large"),
        statuses={
            408: ("bad_request", "the body took longer than 10 s"),
            415: ("unsupported", "the body is not plain `application/json` in UTF-8"),
            messages.REUSED: ("conflict", "the key was used for other content"),
        },
    ),
    messages.history: Operation(
        path=messages.RoomPath,
        query=messages.PageQuery,
        answers={
            200: Answer(
                "Messages in ascending order; without `before` and `after` the last ones.",
                messages.MessagePage,
                PAGE,
                {"Link": "RFC 8288: `next` towards the newer, `prev` towards the older."},
            )
        },
    ),
    messages.message: Operation(
        path=messages.MessagePath,
        answers={200: Answer("The message.", Message, MESSAGE)},
        codes=(*_READING, "not_found", "gone"),
    ),
    presence.presence: Operation(
        path=messages.RoomPath,
        query=presence.MembersQuery,
        answers={200: Answer("Who is there, over all nodes.", PresenceView, {"count": 12})},
    ),
    admin.connections: Operation(
        query=admin.ConnectionsQuery,
        answers={200: Answer("The connections.", admin.ConnectionList, {"items": []})},
    ),
    admin.disconnect: Operation(
        path=admin.ConnectionPath,
        answers={204: Answer("Told to close.")},
        codes=(*_READING, "not_found"),
    ),
    admin.disconnect_user: Operation(path=admin.UserPath, answers={204: Answer("Told to close.")}),
    admin.revoke_user: Operation(
        path=admin.UserPath,
        answers={204: Answer("Taken back, and kept so for a day.")},
        codes=(*_READING, "limit_exceeded"),
    ),
    admin.revoke_token: Operation(
        path=admin.TokenPath,
        answers={204: Answer("Taken back, and kept so for a day.")},
        codes=(*_READING, "limit_exceeded"),
    ),
    admin.cluster: Operation(answers={200: Answer("The storage; its form is the engine's.")}),
    admin.fail_over: Operation(
        answers={202: Answer("A planned failover is ordered; in development only.")},
        codes=(*_READING, "unsupported"),
    ),
    health.live: Operation(answers={200: Answer("Alive.", health.Live)}, codes=(), secured=False),
    health.ready: Operation(
        answers={
            200: Answer("`ready`, or `degraded`: publishes are held.", health.Ready),
            503: Answer("`starting`, `draining`, or `gone`: no storage for 60 s.", health.Ready),
        },
        codes=(),
        secured=False,
    ),
    health.websocket_health: Operation(
        answers={200: Answer("The WebSocket service.", health.WebSocketHealth)},
        codes=(),
        secured=False,
    ),
}
