"""append.lua, read.lua and the mark of a break, said again in Python for the model of Redis.

test_scripts.py holds them against the Lua in a real Redis, call by call.
"""

from collections.abc import Callable, Sequence
from struct import iter_unpack, pack, unpack, unpack_from
from typing import Any, Final, Protocol

from resilience.scripts import APPEND, READ
from tests.simulation.keyspace import NEVER, Effect, Entry, Stream, after, before

Argument = bytes | str | int
_FIRST, _WIDTH = 3, 6  # of append's messages among its arguments, from 0
_EIGHT: Final = 8


class Server(Protocol):
    """What a script sees of its Redis."""

    def now_ms(self) -> int: ...
    def look(self, key: str) -> Any: ...
    def write(self, *effect: Any) -> None: ...


class ScriptError(Exception):
    """A redis.call inside a script failed: what it did before stays done."""


def text(argument: Argument) -> str:
    return argument.decode() if isinstance(argument, bytes) else str(argument)


def raw(argument: Argument) -> bytes:
    return argument if isinstance(argument, bytes) else str(argument).encode()


class History:
    """history.lua: a room's epoch and head, renewed where the caller knows of more."""

    def __init__(self, server: Server, keys: Sequence[str], arguments: Sequence[Argument]) -> None:
        log, meta = keys[0], keys[1]
        token, known, at, mark = arguments[:4]
        self.meta: dict[str, bytes] = server.look(meta) or {}
        epoch, head = self.meta.get("epoch"), self.meta.get("head")
        if head is None:
            stream: Stream = server.look(log) or []
            self.head = stream[-1][0] if stream else 0
        else:
            self.head = int(head)
        lost = epoch is not None and epoch == raw(known) and self.head < int(at)
        self.renewed = epoch is None or lost or int(self.meta.get("mark", b"0")) < int(mark)
        self.epoch = raw(token) if self.renewed or epoch is None else epoch


def append(server: Server, keys: Sequence[str], arguments: Sequence[Argument]) -> list[Any]:
    """append.lua."""
    return _Append(server, keys, arguments).run()


class _Append:
    def __init__(self, server: Server, keys: Sequence[str], arguments: Sequence[Argument]) -> None:
        self.server = server
        self.keys = keys
        self.arguments = arguments
        token, epoch, numbers, *_ = arguments
        seq, mark, _, *rules = map(int, unpack(">6d", raw(numbers)))
        self.dedup, self.limit, self.window = rules
        self.mark = b"%d" % mark
        self.meta, self.stem = (keys[0][:-3] + name for name in ("meta", "cids"))
        self.history = History(server, (keys[0], self.meta), (token, epoch, seq, mark))
        self.clock = server.now_ms()
        self.ts = max(int(self.history.meta.get("ts", b"0")), self.clock)
        self.rates: dict[str, bytes] = {}
        self.added: list[tuple[int, int]] = []  # place, index of its message
        self.remembered: dict[str, bytes] = {}
        self._rotate()

    def _rotate(self) -> None:
        meta, stem = self.history.meta, self.stem
        self.turn, self.turned = int(meta.get("turn", b"0")), int(meta.get("turned", b"0"))
        self.rotated = self.clock - self.turned >= self.dedup
        self.stale = self.rotated and self.clock - self.turned >= 2 * self.dedup
        if self.rotated:
            self.turn, self.turned = self.turn + 1, self.clock
        self.current = self.server.look(f"{stem}:{self.turn}") or {}
        self.old = {} if self.stale else self.server.look(f"{stem}:{self.turn - 1}") or {}

    def _turn_back(self) -> None:
        meta = self.history.meta
        self.turn, self.turned = int(meta.get("turn", b"0")), int(meta.get("turned", b"0"))
        self.rotated = False

    def run(self) -> list[Any]:
        messages = range(_FIRST, len(self.arguments), _WIDTH)
        outcomes = [self._decide(index) for index in messages]
        if not self.added:
            self._turn_back()
        self._write()
        return [self.history.epoch, self.ts, *outcomes]

    def _decide(self, index: int) -> Any:
        user, cid, _, _, digest, _ = self.arguments[index : index + _WIDTH]
        field = f"{text(user)}:{text(cid)}"
        known = self.remembered.get(field) or self.current.get(field) or self.old.get(field)
        if known is not None:
            first, when, content = known.split(b" ", 2)
            return [int(first), int(when)] if content == raw(digest) else 0
        wait = self._spend(text(user))
        if wait > 0:
            return -wait
        seq = self.history.head + len(self.added) + 1
        self.remembered[field] = b"%d %d %b" % (seq, self.ts, raw(digest))
        self.added.append((seq, index))
        return seq

    def _spend(self, user: str) -> int:
        group = max(1, self.limit // 128)
        groups = self.limit // group
        value = self.rates.get(user) or self.server.look(f"hf:rate:{{{user}}}")
        value = value or pack(">d", group)
        (count,), (times, moved) = unpack_from(">d", value), self._brought_back(value[_EIGHT:])
        if times and self.clock - unpack_from(">d", times, len(times) - _EIGHT)[0] > self.window:
            count, times = group, b""
        if count < group and len(times) >= _EIGHT:
            count, times = count + 1, times[:-_EIGHT]
        else:
            times = times[-groups * _EIGHT :] if len(times) > groups * _EIGHT else times
            if len(times) == groups * _EIGHT:
                age = self.clock - unpack_from(">d", times)[0]
                if age <= self.window:
                    if moved:
                        self.rates[user] = pack(">d", count) + times
                    return int(self.window - age + 1)
                times = times[_EIGHT:]
            count = 1
        self.rates[user] = pack(">d", count) + times + pack(">d", self.clock)
        return 0

    def _brought_back(self, times: bytes) -> tuple[bytes, bool]:
        known = [moment for (moment,) in iter_unpack(">d", times)]
        ahead = known[-1] - self.clock if known else 0
        if ahead <= 0:
            return times, False
        return b"".join(pack(">d", moment - ahead) for moment in known), True

    def _write(self) -> None:
        write, log, meta, stem = self.server.write, self.keys[0], self.meta, self.stem
        for seq, index in self.added:
            write("xadd", log, self._entry(log, seq, index))
        history = self.history
        head = history.head + len(self.added)
        mark = self.mark if history.renewed else history.meta.get("mark", b"0")
        write(
            "hset",
            meta,
            {
                "epoch": history.epoch,
                "head": b"%d" % head,
                "ts": b"%d" % self.ts,
                "mark": mark,
                "turn": b"%d" % self.turn,
                "turned": b"%d" % self.turned,
            },
        )
        if self.added:
            write("hset", f"{stem}:{self.turn}", self.remembered)
        for user, value in self.rates.items():
            write("set", f"hf:rate:{{{user}}}", value, self.clock + self.window + 1)
        if self.rotated:
            write("pexpireat", f"{stem}:{self.turn}", self.clock + 3 * self.dedup)
            write("del", f"{stem}:{self.turn - 2}")
            if self.stale:
                write("del", f"{stem}:{self.turn - 1}")

    def _entry(self, log: str, seq: int, index: int) -> Entry:
        stream: Stream = self.server.look(log) or []
        if stream and stream[-1][0] >= seq:
            raise ScriptError("ERR The ID specified in XADD is equal or smaller")
        user, cid, head, tail, digest, trace = map(raw, self.arguments[index : index + _WIDTH])
        event = b'%b%d,"ts":%d%b' % (head, seq, self.ts, tail)
        fields = [b"e", event, b"u", user, b"c", cid, b"t", b"%d" % self.ts, b"d", digest]
        return (seq, [*fields, b"p", trace] if trace else fields)


def read(server: Server, keys: Sequence[str], arguments: Sequence[Argument]) -> list[Any]:
    """read.lua."""
    history = History(server, keys, arguments)
    if history.renewed:
        fields = {"epoch": history.epoch, "head": b"%d" % history.head, "mark": raw(arguments[3])}
        server.write("hset", keys[1], fields)
    stream: Stream = server.look(keys[0]) or []
    tail = stream[0][0] if stream else history.head + 1
    which, bound, limit = text(arguments[4]), int(arguments[5]), int(arguments[6])
    found: Stream = []
    if which == "after":
        found = after(stream, bound, limit)
    elif which == "before":
        found = before(stream, bound, limit)
    elif which == "last" and stream:
        found = before(stream, stream[-1][0] + 1, limit)
    return [history.epoch, history.head, tail, [entry(it) for it in found]]


def entry(found: Entry) -> list[Any]:
    """Return a stream's entry as Redis replies it."""
    return [b"1-%d" % found[0], list(found[1])]


def raise_mark(server: Server, keys: Sequence[str], arguments: Sequence[Argument]) -> bytes:
    """The script of adoption.py: the number of the last break never falls."""
    held = server.look(keys[0])
    if int(held or b"0") < int(arguments[0]):
        held = raw(arguments[0])
        server.write("set", keys[0], held, NEVER)
    return bytes(held)


SCRIPTS: Final[dict[str, Callable[[Server, Sequence[str], Sequence[Argument]], Any]]] = {
    APPEND.sha: append,
    READ.sha: read,
}
SOURCES: Final = {script.sha: script.source for script in (APPEND, READ)}

__all__ = ["SCRIPTS", "Effect", "Server", "raise_mark"]
