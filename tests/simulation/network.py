"""A network of hosts: connections in order, delays, cuts that hold what is sent until they heal."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from tests.simulation.clock import VirtualLoop

_STEP_S: Final = 1e-9  # keeps the order of what travels on one connection
_JITTERS: Final = 1024


class Host:
    """A process, and the kernel below it: dead, hung (stopped, all arrives later), or well."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.dark = False  # the machine is gone too: nobody even refuses a connection
        self.hung = False
        self._inbox: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def take(self, act: Callable[..., None], args: tuple[Any, ...]) -> None:
        """Do what has arrived, or keep it until the process goes on."""
        if self.hung:
            self._inbox.append((act, args))
        elif self.alive:
            act(*args)

    def hang(self) -> None:
        self.hung = True

    def go_on(self) -> None:
        """Continue with all that has arrived meanwhile."""
        self.hung = False
        inbox, self._inbox = self._inbox, []
        for act, args in inbox:
            self.take(act, args)

    def die(self) -> None:
        self.alive, self.hung = False, False
        self._inbox.clear()

    def is_deaf(self) -> bool:
        """Tell whether it does nothing with what arrives."""
        return self.hung or not self.alive


class Network:
    """Who can reach whom, and how fast."""

    def __init__(self, loop: VirtualLoop, jitters: list[float]) -> None:
        self.loop = loop
        self.jitters = jitters  # seconds, drawn on in turn by each pipe
        self.slow: dict[frozenset[str], float] = {}
        self.cut: set[tuple[str, str]] = set()
        self._held: dict[tuple[str, str], list[tuple[Pipe, Callable[..., None], Any]]] = {}
        self.pipes = 0

    def pipe(self, source: Host, target: Host) -> "Pipe":
        """Return one direction of a new connection."""
        self.pipes += 1
        return Pipe(self, source, target, self.pipes)

    def sever(self, a: str, b: str, *, one_way: bool = False) -> None:
        """Let nothing through from a to b, nor back; it is not lost, only late."""
        self.cut.add((a, b))
        if not one_way:
            self.cut.add((b, a))

    def heal(self, a: str, b: str) -> None:
        """Let everything through again, first what was held."""
        for edge in ((a, b), (b, a)):
            self.cut.discard(edge)
            for pipe, act, args in self._held.pop(edge, []):
                pipe.travel(act, *args)

    def lose(self, source: str) -> None:
        """Whatever a machine had sent and nobody has got is gone with it."""
        for edge in [edge for edge in self._held if edge[0] == source]:
            del self._held[edge]

    def reaches(self, a: str, b: str) -> bool:
        """Tell whether a question from a to b is answered."""
        return not self.cut or ((a, b) not in self.cut and (b, a) not in self.cut)

    def hold(self, pipe: "Pipe", act: Callable[..., None], args: Any) -> None:
        self._held.setdefault(pipe.edge, []).append((pipe, act, args))


class Pipe:
    """One direction of a connection: what is sent arrives in order, after a while."""

    __slots__ = ("_count", "_last", "_network", "_queue", "edge", "source", "target")

    def __init__(self, network: Network, source: Host, target: Host, number: int) -> None:
        self._network = network
        self.edge = (source.name, target.name)
        self.source = source
        self.target = target
        self._last = 0.0
        self._queue: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._count = number * 37

    def send(self, act: Callable[..., None], *args: Any) -> None:
        """Let the target's process do this when it arrives, if there is one."""
        if self.source.dark:
            return
        self.travel(self.target.take, act, args)

    def signal(self, act: Callable[..., None], *args: Any) -> None:
        """Let the target's kernel do this: also while the process is hung or gone."""
        self.travel(act, *args)

    def travel(self, act: Callable[..., None], *args: Any) -> None:
        """Do it at the target's end, later and in order; held while the edge is cut."""
        network = self._network
        if network.cut and self.edge in network.cut:
            network.hold(self, act, args)
            return
        self._count += 1
        delay = network.jitters[self._count % _JITTERS]
        if network.slow:
            delay += network.slow.get(frozenset(self.edge), 0.0)
        self._last = max(network.loop.time() + delay, self._last + _STEP_S)
        self._queue.append((act, args))
        network.loop.call_at(self._last, self._arrive)

    def _arrive(self) -> None:
        """What was sent first comes first, in whatever order the loop runs what is due."""
        act, args = self._queue.popleft()
        act(*args)

    def delay(self, seconds: float) -> None:
        """Let what follows arrive later than so."""
        self._last = max(self._last, self._network.loop.time()) + seconds
