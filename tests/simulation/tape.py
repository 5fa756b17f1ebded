"""The history of one schedule, kept in memory and stamped by the virtual clock."""

from io import BytesIO
from typing import Final

import msgspec

from tests.drills.history import Entry, Record, Recorder
from tests.simulation.clock import VirtualLoop

_NS: Final = 1_000_000_000


class _Said(msgspec.Struct):
    seq: int
    user: str
    cid: str
    text: str


_decode: Final = msgspec.json.Decoder(_Said).decode


class Tape(Recorder):
    """A recorder whose records need not be parsed again."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__(BytesIO(), lambda: int(loop.time() * _NS))
        self.records: list[Record] = []

    def add(self, record: Record) -> int:
        """Stamp the record and keep it."""
        self._last = record.t = max(self._clock(), self._last + 1)
        self.records.append(record)
        return self._last


def entry(payload: bytes) -> Entry:
    """Return a durable event as it is recorded."""
    said = _decode(payload)
    return Entry(said.seq, said.user, said.cid, said.text)
