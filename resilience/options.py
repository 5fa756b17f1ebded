"""What an engine is told when it is opened."""

import secrets
from enum import StrEnum

import msgspec

_NODE_BYTES = 6


def node_name() -> str:
    """Return a name for this process that no other has."""
    return secrets.token_hex(_NODE_BYTES)


class AckRule(StrEnum):
    """When a batch counts as committed.

    `ELECTABLE`: every replica that could be elected has it, at least `ack_replicas`.
    `COUNT`: any `ack_replicas` have it; loses acknowledged messages when another one is elected.
    """

    ELECTABLE = "electable"
    COUNT = "count"


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds and names of an engine; times in seconds.

    `publish` is (messages, seconds): never more of one user in *any* window of that length.
    `history` is how many events of a room are kept at least, `dedup_s` how long an idempotency
    key is remembered, `hold_s` how long an append or a read waits for a storage that is away.
    The rest is about Redis: `ack_replicas` None is 1 with Sentinel and 0 with a single Redis,
    `held` and `held_bytes` bound what waits for a commit, `wait_at_start` waits for the storage
    in start-up.
    """

    node: str = msgspec.field(default_factory=node_name)
    publish: tuple[int, float] = (30, 60.0)
    history: int = 10_000
    dedup_s: float = 600.0
    hold_s: float = 15.0

    ack_replicas: int | None = None
    ack_rule: AckRule = AckRule.ELECTABLE
    wait_at_start: bool = False
    held: int = 20_000  # at 4,000/s through a kill it peaked at 7,590
    held_bytes: int = 32 * 2**20
    lanes: int = 2
    batch: int = 256  # messages of one round trip and lane
    keys: int = 200_000  # idempotency keys that the embedded engine remembers at most
