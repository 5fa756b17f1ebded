"""Appending to one room in one script call: its arguments, and what its reply means."""

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Final

import msgspec

from chat.errors import Refusal
from chat.log import Draft, Position, Receipt
from resilience import keys
from resilience.link import Command, Reply
from resilience.options import EngineOptions
from resilience.replies import Garbled
from resilience.scripts import APPEND

_NUMBERS: Final = Struct(">6d")
Outcome = Receipt | Refusal


class Appending:
    """Builds the calls of append.lua and reads their replies; the rules come from the options."""

    def __init__(self, options: EngineOptions, token: Callable[[], str]) -> None:
        limit, seconds = options.publish
        self._token = token
        self._refused = f"{limit} per {seconds:g} s"
        dedup_ms, window_ms = int(options.dedup_s * 1000), int(seconds * 1000)
        self._rules = (options.history, dedup_ms, limit, window_ms)

    def call(self, room: str, drafts: Sequence[Draft], known: Position, mark: int) -> Command:
        """Return the call for these drafts of one room, in their order."""
        arguments: list[bytes | str | int] = []
        for draft in drafts:
            trace = b"" if draft.trace is None else draft.trace.traceparent
            arguments += (draft.user, draft.cid, draft.head, draft.tail, draft.digest, trace)
        return APPEND.call(
            (keys.log(room),),
            self._token(),
            known.epoch,
            _NUMBERS.pack(known.seq, mark, *self._rules),
            *arguments,
        )

    def read(self, reply: Reply, drafts: int) -> "Appended":
        """Parse the reply; `Garbled` if it is none."""
        # Not by `match`, here and for the usual outcome: that takes four times as long.
        if not isinstance(reply, list) or len(reply) != drafts + 2:
            raise Garbled("append")
        epoch, ts = reply[0], reply[1]
        if not isinstance(epoch, bytes) or not isinstance(ts, int):
            raise Garbled("append")
        outcomes = [
            Receipt(result, ts)
            if isinstance(result, int) and result > 0
            else self._otherwise(result)
            for result in reply[2:]
        ]
        return Appended(epoch.decode(errors="replace"), outcomes)

    def _otherwise(self, result: Reply) -> Outcome:
        match result:
            case [int(seq), int(when)]:
                return Receipt(seq, when, dup=True)
            case 0:
                return Refusal("conflict", "the same cid with other content", field="cid")
            case int():
                return Refusal("rate_limited", self._refused, retry_ms=-result)
        raise Garbled("append")


class Appended(msgspec.Struct):
    """What became of the drafts of one call, in their order; not committed yet."""

    epoch: str
    outcomes: list[Outcome]
