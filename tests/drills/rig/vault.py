"""What stands in Redis itself, read around every server and proxy."""

from pathlib import Path
from typing import Final

import msgspec

from deploy.local.redis_node import RedisNode
from resilience import keys
from tests.drills.history import Entry, LogRead
from tests.drills.rig.device import entry

_CHUNK: Final = 2000
_ANSWER: Final = 10.0
# The id of the last entry of a chunk, and each entry's event.
_EVENTS: Final = """
local found = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
if #found == 0 then return {} end
local events = {found[#found][1]}
for _, entry in ipairs(found) do
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'e' then events[#events + 1] = entry[2][i + 1] end
  end
end
return events
"""


async def stored_log(node: RedisNode, room: str) -> LogRead:
    """Read a room's whole log from one Redis process, master or replica."""
    epoch = await node.command("HGET", keys.meta(room), "epoch", deadline=_ANSWER)
    entries: list[Entry] = []
    start = "-"
    while found := await node.command(
        "EVAL_RO", _EVENTS, 1, keys.log(room), start, _CHUNK, deadline=_ANSWER
    ):
        entries += (entry(msgspec.json.decode(event)) for event in found[1:])
        start = f"({found[0]}"
    return LogRead(source=node.name, room=room, epoch=epoch or "", entries=tuple(entries))


async def stat(node: RedisNode, section: str, name: str) -> str | None:
    """Return one value of INFO, None if it is not there."""
    for line in (await node.command("INFO", section)).splitlines():
        found, _, value = line.partition(":")
        if found == name:
            return str(value)
    return None


def unread(port: int) -> int:
    """Return the bytes that have come to a process at a loopback port and it has not read.

    Of connections with more than a ping in them: a frozen process' writes, tried and not done.
    """
    with Path("/proc/net/tcp").open(encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    waiting = (
        int(row[4].split(":")[1], 16)
        for row in rows
        if int(row[1].split(":")[1], 16) == port and row[3] == ESTABLISHED
    )
    return sum(size for size in waiting if size > A_PING)


ESTABLISHED: Final = "01"
A_PING: Final = 200  # bytes; Sentinel's PING, INFO and PUBLISH are shorter
