"""From bytes to commands: every malformed frame becomes a fault that can be answered."""

import json
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import msgspec

from chat.commands import AnyCommand
from chat.errors import Refusal
from chat.names import FrameId, MessageId, RoomName

_command: Final[msgspec.json.Decoder[AnyCommand]] = msgspec.json.Decoder(AnyCommand)
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])
_TYPES: Final = frozenset({"auth", "join", "leave", "publish", "typing", "ping", "pong"})
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class Fault(msgspec.Struct, frozen=True):
    """A frame that is none: what of it can be echoed in the answer, and if it was to sign in."""

    refusal: Refusal
    id: FrameId | None = None
    cid: MessageId | None = None
    room: RoomName | None = None
    auth: bool = False


class _Envelope(msgspec.Struct):
    type: Any = None
    id: Any = None
    cid: Any = None
    room: Any = None


Item: TypeAlias = AnyCommand | Fault


def decode(payload: bytes, batch: int) -> Iterator[Item]:
    """Return the commands of one WebSocket message: an object, or an array of 1 to `batch`.

    A faulty element of an array does not harm its neighbours.
    """
    if not payload.lstrip(b" \t\r\n").startswith(b"["):
        return iter((_decode_one(payload),))
    return _decode_array(payload, batch)


def _decode_array(payload: bytes, batch: int) -> Iterator[Item]:
    try:
        items = _array.decode(payload)
    except _UNREADABLE:
        yield _fault("not valid JSON")
        return
    if not 1 <= len(items) <= batch:
        yield _fault(f"an array holds 1 to {batch} frames")
        return
    for item in items:
        yield _decode_one(item)


def _decode_one(payload: bytes | msgspec.Raw) -> Item:
    try:
        return _command.decode(payload)
    except _UNREADABLE as error:
        return _diagnose(payload, error)


def _diagnose(payload: bytes | msgspec.Raw, error: Exception) -> Fault:
    envelope = _envelope(payload)
    if envelope is None:
        return _fault("not a JSON object" if _is_json(payload) else "not valid JSON")
    known: Any = envelope.type
    if isinstance(known, str) and known not in _TYPES:
        refusal = Refusal("unknown_type", "frame type not known here", field="type")
    elif not isinstance(known, str):
        refusal = Refusal("bad_request", "a string is required", field="type")
    else:
        detail, field = _explain(error)
        refusal = Refusal("bad_request", detail, field=field)
    return Fault(
        refusal,
        id=_valid(envelope.id, FrameId),
        cid=_valid(envelope.cid, MessageId),
        room=_valid(envelope.room, RoomName),
        auth=known == "auth",
    )


def _envelope(payload: bytes | msgspec.Raw) -> _Envelope | None:
    """Return what can be echoed of a frame; None: it is no object.

    Half of an emoji, as a cut text ends with it, or NaN makes a frame unreadable for us that its
    sender's library has written: the answer must find its way to it all the same.
    """
    try:
        return msgspec.json.decode(payload, type=_Envelope)
    except _UNREADABLE:
        pass
    try:
        return msgspec.convert(json.loads(bytes(payload)), _Envelope)
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None


def _explain(error: Exception) -> tuple[str, str | None]:
    """Return what is wrong and in which field; never a byte of what was sent."""
    # The path stands last: a reason may quote a value, which may look like a path.
    reason, _, path = str(error).rpartition(" - at `$")
    if path.startswith("."):
        return _without_values(reason), path[1:].rstrip("`").split("[")[0]
    if path.startswith("Object missing required field"):
        return "required", path.split("`")[1]
    return "malformed" if isinstance(error, msgspec.ValidationError) else "not valid JSON", None


def _without_values(reason: str) -> str:
    return "not of the form required" if "Invalid" in reason else reason


def _valid(value: Any, form: Any) -> Any:
    try:
        valid = msgspec.convert(value, form)
        msgspec.json.encode(valid)  # an id may be text that can't be written
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None
    return valid


def _is_json(payload: bytes | msgspec.Raw) -> bool:
    try:
        msgspec.json.decode(payload)
    except _UNREADABLE:
        return False
    return True


def _fault(detail: str) -> Fault:
    return Fault(Refusal("bad_request", detail))
