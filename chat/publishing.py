"""Admitting a message: permission, limits and the text rule, the same for WebSocket and REST."""

import re
import secrets
from typing import Final

import msgspec

from chat import text
from chat.claims import PUBLISH_AS, Claims
from chat.commands import Content
from chat.errors import Refusal
from chat.limits import Limits
from chat.log import Draft, draft_message

_CID_BYTES: Final = 12
_TRACEPARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
_NO_DATA: Final = (b"", b"null")


def draft(
    claims: Claims,
    room: str,
    cid: str | None,
    content: Content,
    limits: Limits,
    *,
    author: str | None = None,
) -> Draft:
    """Return the draft of a message, or raise the `Refusal` that says why not.

    `author` speaks for another user, which takes the scope `chat.publish`; with that scope a
    token needs no permission in the room. A missing `cid` is made up here, so that the server's
    own retries are safe.
    """
    if author is not None:
        claims.require_scope(PUBLISH_AS)
    else:
        claims.require(room, "w", or_scope=PUBLISH_AS)
    return draft_message(
        room=room,
        user=author or claims.sub,
        name=None if author else claims.name,
        cid=cid or secrets.token_urlsafe(_CID_BYTES),
        content=_clean(content, limits),
    )


def valid_trace(traceparent: str | None) -> str | None:
    """Return the W3C trace context if it is valid; an invalid one is ignored, never refused."""
    return traceparent if _TRACEPARENT.fullmatch(traceparent or "") else None


def _clean(content: Content, limits: Limits) -> Content:
    data = bytes(content.data).strip()
    if content.text is None and data in _NO_DATA:
        raise Refusal("bad_request", "text or data is required", field="text")
    clean = None if content.text is None else text.accept(content.text, limits.text)
    if clean is content.text and not data:
        return content  # as most are
    return Content(
        text=clean,
        data=msgspec.Raw() if data in _NO_DATA else _clean_data(data, limits.data),
        reply_to=content.reply_to,
        mentions=content.mentions,
    )


def _clean_data(data: bytes, limit: int) -> msgspec.Raw:
    """Return the JSON without white space; a Raw has been skipped, not read, so it is read here."""
    try:
        msgspec.json.decode(data)
        compact = msgspec.json.format(data, indent=-1)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refusal("bad_request", "not valid JSON", field="data") from None
    if len(compact) > limit:
        raise Refusal("too_large", f"data over {limit} bytes", field="data")
    return msgspec.Raw(compact)
