"""Whether an adopted master holds the history that was committed: judged by replication ids. Pure.

A promoted replica keeps the id of its master as `master_replid2`, and in `second_repl_offset`
how far it had followed (redis.io, "Replication ID explained").
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

_OFFSET: Final = re.compile("[0-9]{1,20}")


class Continuity(StrEnum):
    """CONTINUED: all that was committed is there. BROKEN: provably not. DOUBTFUL: can't tell."""

    CONTINUED = "continued"
    DOUBTFUL = "doubtful"
    BROKEN = "broken"


class Lineage(msgspec.Struct, frozen=True):
    """Where a master's history comes from."""

    id: str
    parent_id: str
    parent_end: int  # the first offset that is not the parent's any more

    @classmethod
    def read(cls, info: Mapping[str, str]) -> "Lineage":
        """Take it from INFO replication."""
        end = info.get("second_repl_offset", "")
        return cls(
            id=info.get("master_replid", ""),
            parent_id=info.get("master_replid2", ""),
            parent_end=int(end) if _OFFSET.fullmatch(end) else -1,
        )


def judge(before: Lineage | None, committed: int, now: Lineage) -> Continuity:
    """Compare with the master before, on which everything up to `committed` was committed.

    Whoever saw no master before has nothing to lose.
    """
    if before is None or now.id == before.id:
        return Continuity.CONTINUED
    if now.parent_id == before.id:
        return Continuity.CONTINUED if now.parent_end > committed else Continuity.BROKEN
    return Continuity.DOUBTFUL
