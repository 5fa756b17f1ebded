"""Where the logs of many rooms end: one look tells in which of them something was missed."""

from collections.abc import Sequence
from typing import Final

from chat.log import Position
from resilience import keys
from resilience.link import Command, Reply
from resilience.reader import Reader
from resilience.replies import Garbled, number
from resilience.stream import Stream

CHUNK: Final = 500  # rooms of one question: half a millisecond of Redis, and of this loop


async def behind(reader: Reader, streams: Sequence[Stream]) -> list[Stream]:
    """Return the streams that do not stand where their log ends; `Unavailable` if it isn't told.

    It only asks whether all is equal: what is not is read, and judged by read.lua. A room of
    which that can't be told, as a key of it is of another type, counts as not equal.
    """
    found: list[Stream] = []
    for start in range(0, len(streams), CHUNK):
        found += await _behind(reader, streams[start : start + CHUNK])
    return found


async def _behind(reader: Reader, streams: Sequence[Stream]) -> list[Stream]:
    before = [stream.position for stream in streams]
    mark = 0

    def commands(of_now: int) -> list[Command]:
        nonlocal mark
        mark = of_now
        return [("HMGET", keys.meta(s.room), "epoch", "head", "mark") for s in streams]

    replies = await reader.ask_each(commands)
    told = zip(streams, before, replies, strict=True)
    return [stream for stream, place, reply in told if not _agrees(stream, place, reply, mark)]


def _agrees(stream: Stream, before: Position | None, reply: Reply, mark: int) -> bool:
    """Tell whether the log's end is a place where the stream stood between question and answer."""
    now = stream.position
    if before is None or now is None:
        return False
    if reply == [now.epoch.encode(), b"%d" % now.seq, b"%d" % mark]:
        return before.epoch == now.epoch  # a silent room, compared without parsing
    match reply:
        case [bytes(epoch), bytes(head), bytes(marked)]:
            try:
                return (
                    before.epoch == now.epoch == epoch.decode(errors="replace")
                    and before.seq <= number(head.decode(errors="replace")) <= now.seq
                    and number(marked.decode(errors="replace")) >= mark
                )
            except Garbled:
                return False
    return False
