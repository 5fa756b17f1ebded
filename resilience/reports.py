"""What each node counts of itself, for administrators at any of them; it goes with the lease."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from resilience import keys
from resilience.link import Command, Reply

Report = Mapping[str, int]

_encode: Final = msgspec.json.Encoder().encode
_report: Final = msgspec.json.Decoder(dict[str, int])


class Reports:
    """The last report of every living node, at most as old as two beats of the lease.

    They are for people to look at: one that is lost or can't be read is just not there.
    """

    def __init__(self, node: str, own: Callable[[], Report]) -> None:
        self.own = own
        self._node = node
        self._others: dict[str, Report] = {}

    def of(self, node: str) -> Report:
        """Return a node's report, empty for one that is not known."""
        return self.own() if node == self._node else self._others.get(node, {})

    def exchange(self) -> list[Command]:
        """Return the commands that give the own report and ask for all; `keep` takes the reply."""
        report = _encode(dict(self.own()))
        return [("HSET", keys.REPORTS, self._node, report), ("HGETALL", keys.REPORTS)]

    def keep(self, reply: Reply, live: AbstractSet[str]) -> None:
        """Take in what the nodes that live have given."""
        fields = (
            [field for field in reply if isinstance(field, bytes)]
            if isinstance(reply, list)
            else []
        )
        self._others = {}
        for name, report in zip(fields[::2], fields[1::2], strict=False):
            node = name.decode(errors="replace")
            if node in live:
                try:
                    self._others[node] = _report.decode(report)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    continue
