"""Whether an adopted master holds the history that was committed: judged by replication ids. Pure.

A promoted replica keeps the id of its master as `master_replid2`, and in `second_repl_offset`
how far it had followed (redis.io, "Replication ID explained").
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from resilience.replies import natural_text

YOUNG_S: Final = 5  # a server so old has been found, and looked at, by every node that lost it
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
    parent_end: int  # the first offset that is not the parent's any more; -1: it has no parent
    up_s: int  # since when the process runs; 0 while it loads its disk, and nobody can look at it

    @classmethod
    def read(cls, info: Mapping[str, str]) -> "Lineage":
        """Take it from INFO, sections server, replication and persistence."""
        loads = info.get("loading") == "1"
        end = info.get("second_repl_offset", "")
        return cls(
            id=info.get("master_replid", ""),
            parent_id=info.get("master_replid2", ""),
            parent_end=int(end) if _OFFSET.fullmatch(end) else -1,
            up_s=0 if loads else natural_text(info.get("uptime_in_seconds")),
        )


def judge(before: Lineage | None, committed: int, now: Lineage) -> Continuity:
    """Compare with the master before, on which everything up to `committed` was committed.

    Whoever saw no master before has nothing to lose, but must not write over what others have: it
    waits for these where the master may just have come back, or be another one.
    """
    if before is None:
        settled = now.up_s >= YOUNG_S and now.parent_end < 0
        return Continuity.CONTINUED if settled else Continuity.DOUBTFUL
    if now.id == before.id:
        return Continuity.CONTINUED
    if now.parent_id == before.id:
        return Continuity.CONTINUED if now.parent_end > committed else Continuity.BROKEN
    return Continuity.DOUBTFUL
