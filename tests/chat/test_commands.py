"""What a client may say: the fields of the protocol, their defaults and their bounds."""

from typing import Any

import msgspec
import pytest

from chat.commands import COMMANDS, AnyCommand, Auth, Join, Publish

# Section 3 of the protocol: the fields of each frame beside `type`, those it needs first.
FIELDS = {
    "auth": ({"token"}, {"id", "batch", "client"}),
    "join": ({"room"}, {"id", "since", "epoch", "history", "presence"}),
    "leave": ({"room"}, {"id"}),
    "publish": (
        {"room"},
        {"id", "cid", "text", "data", "reply_to", "mentions", "traceparent"},
    ),
    "typing": ({"room", "on"}, {"id"}),
    "ping": (set(), {"id"}),
    "pong": (set(), {"id"}),
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "auth": {"token": "x.y.z", "batch": True, "client": "web/1"},
    "join": {"room": "general", "since": 7, "epoch": "k3", "presence": True},
    "leave": {"room": "general"},
    "publish": {"room": "general", "cid": "a-1", "text": "hi", "reply_to": 1, "mentions": ["u7"]},
    "typing": {"room": "general", "on": True},
    "ping": {},
    "pong": {},
}


_decoder: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)


def decode(kind: str, fields: dict[str, Any]) -> AnyCommand:
    return _decoder.decode(msgspec.json.encode({"type": kind, **fields}))


def test_the_commands_are_the_protocols() -> None:
    """Every frame of the protocol is there with its fields, required ones required, no other."""
    found = {}
    for command in COMMANDS:
        info = msgspec.structs.fields(command)
        needed = {field.name for field in info if field.required}
        tag = command.__struct_config__.tag
        found[tag] = (needed, {field.name for field in info} - needed)
    assert found == FIELDS


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("id", [None, 1, "a", 1.5])
def test_each_frame_is_understood(kind: str, id: Any) -> None:  # noqa: A002
    """A frame with all its fields, an id and unknown fields has these values, and no others."""
    command = decode(kind, {"id": id, **EXAMPLES[kind], "since_when": 1, "x": {"y": []}})
    assert type(command).__struct_config__.tag == kind
    assert command.id == id
    for name, value in EXAMPLES[kind].items():
        assert getattr(command, name) == value


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, (needed, _) in FIELDS.items() for name in sorted(needed)],
)
def test_a_missing_field_is_missed(kind: str, name: str) -> None:
    """Without one of the fields it needs a frame is none."""
    rest = {key: value for key, value in EXAMPLES[kind].items() if key != name}
    with pytest.raises(msgspec.ValidationError, match=name):
        decode(kind, rest)


def test_defaults() -> None:
    """A join without a word asks for 50 events and no presence, an auth for single frames."""
    join, auth = decode("join", {"room": "a"}), decode("auth", {"token": "t"})
    assert isinstance(join, Join)
    assert isinstance(auth, Auth)
    assert (join.since, join.epoch, join.history, join.presence) == (None, None, 50, False)
    assert (auth.batch, auth.client) == (False, None)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("auth", {"token": ""}),
        ("auth", {"token": "x" * 8193}),
        ("auth", {"token": "t", "client": "x" * 65}),
        ("auth", {"token": "t", "batch": 1}),
        ("join", {"room": "a b"}),
        ("join", {"room": "a", "since": -1}),
        ("join", {"room": "a", "since": "7"}),
        ("join", {"room": "a", "since": 2**53 + 1}),
        ("join", {"room": "a", "history": -1}),
        ("join", {"room": "a", "history": 101}),
        ("join", {"room": "a", "history": None}),
        ("join", {"room": "a", "epoch": ""}),
        ("join", {"room": "a", "epoch": "x" * 65}),
        ("publish", {"room": "a", "text": 1}),
        ("publish", {"room": "a", "cid": ""}),
        ("publish", {"room": "a", "cid": "a b"}),
        ("publish", {"room": "a", "reply_to": 0}),
        ("publish", {"room": "a", "mentions": ["u7"] * 21}),
        ("publish", {"room": "a", "mentions": ["u 7"]}),
        ("publish", {"room": "a", "mentions": "u7"}),
        ("typing", {"room": "a", "on": "yes"}),
        ("ping", {"id": "x" * 65}),
        ("edit", {"room": "a", "ref": 1}),
    ],
)
def test_out_of_bounds(kind: str, fields: dict[str, Any]) -> None:
    """A field of another type or out of its range is refused, as is an unknown frame."""
    with pytest.raises(msgspec.ValidationError):
        decode(kind, fields)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("auth", {"token": "x" * 8192, "client": "x" * 64}),
        ("join", {"room": "a", "since": 0, "epoch": "x" * 64}),
        ("join", {"room": "a", "since": 2**53}),
        ("join", {"room": "a", "history": 0}),
        ("join", {"room": "a", "history": 100, "since": None, "epoch": None}),
        ("publish", {"room": "a", "reply_to": 2**53, "mentions": ["u7"] * 20, "text": None}),
        ("publish", {"room": "a", "cid": None, "mentions": []}),
    ],
)
def test_on_the_bounds(kind: str, fields: dict[str, Any]) -> None:
    """The bounds themselves are allowed, and null stands for what may be absent."""
    command = decode(kind, fields)
    assert {name: getattr(command, name) for name in fields} == fields


@pytest.mark.parametrize("data", [b"null", b"1", b'"x"', b"[1, 2]", b'{"a" : {"b":[]}}', b"1e2"])
def test_data_is_kept_as_it_came(data: bytes) -> None:
    """`data` is the bytes the client sent, whatever JSON it is; absent it is empty."""
    frame = b'{"type":"publish","room":"a","data":%b}' % data
    command = msgspec.json.decode(frame, type=AnyCommand)
    assert isinstance(command, Publish)
    assert bytes(command.data) == data
    absent = decode("publish", {"room": "a"})
    assert isinstance(absent, Publish)
    assert bytes(absent.data) == b""
