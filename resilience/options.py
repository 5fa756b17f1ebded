"""What an engine is told when it is opened."""

import secrets

import msgspec

_NODE_BYTES = 6


def node_name() -> str:
    """Return a name for this process that no other has."""
    return secrets.token_hex(_NODE_BYTES)


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds and names of an engine; times in seconds.

    `publish` is (messages, seconds): never more of one user in *any* window of that length.
    `history` is how many events of a room are kept at least, `dedup_s` how long an idempotency
    key is remembered, `hold_s` how long an append or a read waits for a storage that is away.
    """

    node: str = msgspec.field(default_factory=node_name)
    publish: tuple[int, float] = (30, 60.0)
    history: int = 10_000
    dedup_s: float = 600.0
    hold_s: float = 15.0
