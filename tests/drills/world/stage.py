"""The stage of a small world: rooms with an atomic log, a clock, and a scheduler of actors."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from random import Random
from typing import Final, TypeAlias

from tests.drills.history import Entry, Key, Recorder

Actor: TypeAlias = Iterator[None]

TICK_NS: Final = 20_000  # the longest time between two events; the shortest leaves room for more


@dataclass(frozen=True)
class Shape:
    """How large a world is; `faults` says of each fault whether it may lose history."""

    rooms: int = 2
    publishers: int = 4
    devices: int = 5
    messages: int = 12
    readers: int = 1
    faults: tuple[bool, ...] = (False,)
    replay_limit: int = 8
    acks_per_fault: int = 3
    restless: float = 0.03  # how likely a device ends its session at each step


@dataclass
class Log:
    epoch: str
    entries: list[Entry] = field(default_factory=list)


@dataclass
class Room:
    name: str
    log: Log
    places: dict[Key, Entry] = field(default_factory=dict)

    def append(self, key: Key, text: str) -> tuple[int, bool] | None:
        """Return (seq, dup), or None for other content under the same key."""
        held = self.places.get(key)
        if held:
            return (held.seq, True) if held.text == text else None
        entry = self.places[key] = Entry(len(self.log.entries) + 1, *key, text)
        self.log.entries.append(entry)
        return entry.seq, False

    def lose(self, kept: int) -> None:
        """Keep the first `kept` entries, under a new epoch."""
        entries = self.log.entries[:kept]
        self.log = Log(f"{self.log.epoch}'", entries)
        self.places = {entry.key: entry for entry in entries}


class World:
    """The rooms, the recorder, the clock, and the actors that are not done yet."""

    def __init__(self, seed: int, shape: Shape) -> None:
        self.random = Random(seed)
        self.shape = shape
        self.stream = BytesIO()
        self.recorder = Recorder(self.stream, self._tick)
        self.rooms = [Room(f"room-{n}", Log(f"k{n}")) for n in range(shape.rooms)]
        self.faults_left = len(shape.faults)
        self.acked = 0
        self._time = 0
        self._writers = 0
        self._actors: list[tuple[Actor, bool]] = []

    @property
    def is_quiet(self) -> bool:
        return self._writers == 0

    def start(self, actor: Actor, *, writes: bool = False) -> None:
        self._writers += writes
        self._actors.append((actor, writes))

    def run(self) -> None:
        while self._actors:
            index = self.random.randrange(len(self._actors))
            actor, writes = self._actors[index]
            if next(actor, self) is self:
                self._actors[index] = self._actors[-1]
                self._actors.pop()
                self._writers -= writes

    def rest(self, duration_ns: int) -> None:
        self._time += duration_ns

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _tick(self) -> int:
        self._time += self.random.randint(TICK_NS // 1000, TICK_NS)
        return self._time
