"""What Redis and Sentinel say of themselves, parsed: ROLE, INFO, SENTINEL MASTER and REPLICAS."""

import functools
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from resilience.address import Address
from resilience.link import LinkLost, Reply, ReplyError

_NUMBER: Final = re.compile("-?[0-9]{1,20}")
_NATURAL: Final = re.compile(b"[0-9]{1,15}")  # what Lua counts exactly


class MasterRole(msgspec.Struct, frozen=True):
    """A master: its replication offset, and each online replica's last acknowledged one."""

    offset: int
    replicas: Mapping[Address, int]


class ReplicaRole(msgspec.Struct, frozen=True):
    """A replica: whom it follows, and whether its link is `connected`."""

    master: Address
    state: str


class ReplicaView(msgspec.Struct, frozen=True):
    """A replica as a sentinel sees it."""

    address: Address
    down: bool
    priority: int


class MasterView(msgspec.Struct, frozen=True):
    """The master as a sentinel names it."""

    address: Address
    epoch: int
    failing_over: bool
    sentinels: int
    quorum: int = 0  # how many must call it down for a failover to begin


class Garbled(LinkLost):
    """An answer that is none of the forms known."""


def number(text: str) -> int:
    """Return the whole number that a text is; `Garbled` for any other, and for over 20 digits."""
    if _NUMBER.fullmatch(text) is None:
        raise Garbled("number")
    return int(text)


def natural(reply: Reply) -> int:
    """Return the number that a stored string is; 0 for whatever else anybody has stored."""
    return int(reply) if isinstance(reply, bytes) and _NATURAL.fullmatch(reply) else 0


def natural_text(text: str | None) -> int:
    """Return the number that a field of INFO is; 0 for any other, and for one that is not there."""
    return natural((text or "").encode())


def _text(said: bytes) -> str:
    return said.decode(errors="replace")


def role(reply: Reply) -> MasterRole | ReplicaRole:
    """Parse ROLE (redis.io/commands/role); a sentinel's role is `Garbled`."""
    match reply:
        case [b"master", int(offset), list(replicas)]:
            return MasterRole(offset, dict(_replica(entry) for entry in replicas))
        case [b"slave", bytes(host), int(port), bytes(state), int()]:
            return ReplicaRole(Address(_text(host), port), _text(state))
        case ReplyError():
            raise Garbled(str(reply).partition(" ")[0])
    raise Garbled("ROLE")


def _replica(entry: Any) -> tuple[Address, int]:
    # Not by `match`, which takes four times as long: every commit reads some.
    if not isinstance(entry, list) or len(entry) != 3:  # noqa: PLR2004 - host, port, offset
        raise Garbled("ROLE")
    host, port, offset = entry
    if not isinstance(host, bytes) or not isinstance(port, bytes) or not isinstance(offset, bytes):
        raise Garbled("ROLE")
    return _address(host, port), number(_text(offset))


@functools.lru_cache(maxsize=64)  # every commit reads the same few, twice
def _address(host: bytes, port: bytes) -> Address:
    return Address(_text(host), number(_text(port)))


def info(reply: Reply) -> dict[str, str]:
    """Parse INFO's lines into fields."""
    if not isinstance(reply, bytes):
        raise Garbled(str(reply).partition(" ")[0] if isinstance(reply, ReplyError) else "INFO")
    lines = (line.partition(":") for line in reply.decode(errors="replace").splitlines())
    return {name: value for name, colon, value in lines if colon}


def master(reply: Reply) -> MasterView:
    """Parse SENTINEL MASTER."""
    fields = _fields(reply)
    return MasterView(
        address=Address(fields["ip"], number(fields["port"])),
        epoch=number(fields["config-epoch"]),
        failing_over="failover_in_progress" in fields["flags"],
        sentinels=number(fields["num-other-sentinels"]) + 1,
        quorum=number(fields.get("quorum", "0")),
    )


def replicas(reply: Reply) -> tuple[ReplicaView, ...]:
    """Parse SENTINEL REPLICAS."""
    if not isinstance(reply, list):
        raise Garbled("SENTINEL REPLICAS")
    return tuple(_replica_view(_fields(entry)) for entry in reply)


def _replica_view(fields: dict[str, str]) -> ReplicaView:
    flags = fields["flags"].split(",")
    return ReplicaView(
        address=Address(fields["ip"], number(fields["port"])),
        down="s_down" in flags or "o_down" in flags,
        priority=number(fields["slave-priority"]),
    )


class _Fields(dict[str, str]):
    def __missing__(self, name: str) -> str:
        raise Garbled(name)


def _fields(reply: Reply) -> dict[str, str]:
    if isinstance(reply, ReplyError):
        raise Garbled(str(reply).partition(" ")[0])
    if not isinstance(reply, list) or not all(isinstance(text, bytes) for text in reply):
        raise Garbled("fields")
    texts = [text.decode(errors="replace") for text in reply]
    return _Fields(zip(texts[::2], texts[1::2], strict=False))
