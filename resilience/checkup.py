"""The self-check: whether this Redis is set up as the promise needs it (faults.md §5)."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

import msgspec

from chat.errors import Unavailable
from resilience.courier import Courier
from resilience.replies import Garbled, info, natural_text
from resilience.sentinel_watch import SentinelWatch

_log: Final = logging.getLogger("holdfast.checkup")

AGAIN_S: Final = 60.0  # settings change while we run; replicas come and go
# When nothing could be learned (a refusal may come at once), or something was found: after an
# outage the master is there before its replicas, and a minute of that would be a false alarm.
SOON_S: Final = 1.0
VERSION: Final = (7, 0)  # scripts that Redis refuses before they begin


class Finding(msgspec.Struct, frozen=True):
    """One row of the table; `ok` False breaks the claim."""

    name: str
    ok: bool
    said: str
    wanted: str

    @property
    def row(self) -> dict[str, str | bool]:
        """The finding as an administrator reads it."""
        return {"check": self.name, "ok": self.ok, "said": self.said, "wanted": self.wanted}


class Checkup:
    """Looks at the master now and then; what it found is in `findings`."""

    def __init__(self, courier: Courier, watch: SentinelWatch | None, ack_replicas: int) -> None:
        self._courier = courier
        self._watch = watch
        self._ack_replicas = ack_replicas
        self.findings: list[Finding] = []

    @property
    def ok(self) -> bool:
        """Whether nothing was found that breaks the claim."""
        return all(finding.ok for finding in self.findings)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self._look()
                pause = AGAIN_S if self.ok else SOON_S
            except (Unavailable, Garbled):
                pause = SOON_S
            await asyncio.sleep(pause)

    async def _look(self) -> None:
        reply = (await self._courier.ask([("INFO",)]))[0]
        found = examine(info(reply), self._ack_replicas) + self._priorities()
        if found != self.findings:
            self.findings = found
            for finding in found:
                level = logging.INFO if finding.ok else logging.ERROR
                _log.log(level, "checked", extra=finding.row)

    def _priorities(self) -> list[Finding]:
        """Sentinel prefers a lower priority to more data: they must all be equal."""
        if self._watch is None:
            return []
        seen = {r.priority for view in self._watch.views for r in view.replicas if not r.down}
        said = ", ".join(map(str, sorted(seen))) or "no replica"
        return [Finding("replica-priority", len(seen) <= 1 and 0 not in seen, said, "all equal")]


def examine(fields: Mapping[str, str], ack_replicas: int) -> list[Finding]:
    """Return what INFO of the master says about the promise. Pure."""
    replicas = natural_text(fields.get("connected_slaves"))
    good = fields.get("min_slaves_good_slaves")
    version = fields.get("redis_version", "")
    numbers = tuple(natural_text(part) for part in version.split(".")[:2])
    policy = fields.get("maxmemory_policy", "")
    rows = [
        Finding("role", fields.get("role") == "master", fields.get("role", ""), "master"),
        Finding("version", numbers >= VERSION, version, "7.0 or later"),
        Finding("appendonly", fields.get("aof_enabled") == "1", _yes(fields, "aof_enabled"), "yes"),
        Finding("maxmemory-policy", policy == "noeviction", policy, "noeviction"),
        Finding("replicas", replicas >= ack_replicas, str(replicas), f"at least {ack_replicas}"),
    ]
    if ack_replicas:
        said = "set" if good is not None else "0"
        rows.append(Finding("min-replicas-to-write", good is not None, said, "at least 1"))
    return rows


def _yes(fields: Mapping[str, str], name: str) -> str:
    return "yes" if fields.get(name) == "1" else "no"
