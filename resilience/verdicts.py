"""What an error of Redis means for the batch that met it."""

from collections.abc import Iterable
from enum import Enum, auto
from typing import Final

from resilience.link import ReplyError

AGAIN_S: Final = 0.02  # after NOREPLICAS and its like: a replica attaches, memory is freed
MISTAKE_S: Final = 1.0  # what only a person can mend is tried so rarely: a room, or the script


class Verdict(Enum):
    """What is to be done."""

    FENCED = auto()  # this is not, or no longer, a master that serves: a new generation
    AGAIN = auto()  # the same batch again, a little later, on the same generation
    UNLOADED = auto()  # it does not know the script: load it, and again
    BROKEN = auto()  # a room's keys are not ours: logged, and it alone is left out for a while
    MISTAKE = auto()  # somebody's: rights, our script; logged, health red, tried again


_PAUSES: Final = {Verdict.AGAIN: AGAIN_S, Verdict.MISTAKE: MISTAKE_S}
_VERDICTS: Final = {
    "READONLY": Verdict.FENCED,
    "MASTERDOWN": Verdict.FENCED,
    "LOADING": Verdict.FENCED,
    "NOREPLICAS": Verdict.AGAIN,
    "BUSY": Verdict.AGAIN,
    "OOM": Verdict.AGAIN,
    "MISCONF": Verdict.AGAIN,
    "NOSCRIPT": Verdict.UNLOADED,
    "WRONGTYPE": Verdict.BROKEN,
    "GARBLED": Verdict.BROKEN,  # what we call a reply that is none
}


def code(error: ReplyError) -> str:
    """Return the error's first word, which is its code; the rest may quote what was sent."""
    return str(error).partition(" ")[0]


def judge(error: ReplyError) -> Verdict:
    """Return what is to be done about it."""
    return _VERDICTS.get(code(error), Verdict.MISTAKE)


def pause(verdicts: Iterable[Verdict]) -> float:
    """Return how long to wait before what met these is sent again."""
    return max((_PAUSES.get(verdict, 0.0) for verdict in verdicts), default=0.0)


def is_mistake(error: ReplyError) -> bool:
    """Tell whether only a person can mend it."""
    return judge(error) in {Verdict.BROKEN, Verdict.MISTAKE}
