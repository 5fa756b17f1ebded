"""What a drill is: a name, what it does, and the topology and load that it does it to."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.drills.rig.stage import Stage

Act = Callable[["Stage"], Awaitable[None]]


@dataclass(frozen=True)
class Shape:
    """The topology and load of a drill; `period` in seconds between two messages of a publisher.

    `mesh` puts a proxy on each way to Redis and Sentinel, `doors` one before each chat server.
    `program` is a module that is run in place of `server`.
    """

    publishers: int = 56
    period: float = 0.08
    padding: int = 0
    rooms: int = 4
    devices: int = 2  # of each room and chat server
    chats: int = 2
    mesh: bool = False
    doors: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    program: tuple[str, ...] = ("server",)
    acks_per_fault: int = 10


@dataclass(frozen=True)
class Drill:
    """`title` says what happens; `fault` is the row in the table: F01 of F01r, too."""

    name: str
    title: str
    act: Act
    shape: Shape
    fault: str


DRILLS: Final[dict[str, Drill]] = {}


def drill(
    name: str, title: str, shape: Shape | None = None, **differently: object
) -> Callable[[Act], Act]:
    """Enter what a function does into the list of drills; keywords change the usual shape."""

    def enter(act: Act) -> Act:
        changed = Shape(**differently)  # type: ignore[arg-type]
        DRILLS[name] = Drill(name, title, act, shape or changed, name[:3])
        return act

    return enter
