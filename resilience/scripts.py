"""The Lua scripts, and the hashes by which they are called."""

from hashlib import sha1
from pathlib import Path
from typing import Final

import msgspec

from resilience.link import Command

_FOLDER: Final = Path(__file__).parent
# Since Redis 7 the first line makes Redis refuse a script before it begins (OOM, READONLY,
# NOREPLICAS, MISCONF), instead of in the middle of it.
_SHEBANG: Final = "#!lua"
_WHEN_FULL: Final = " flags=allow-oom"


class Script(msgspec.Struct, frozen=True):
    """A script that Redis keeps by its SHA-1."""

    source: str
    sha: str

    @property
    def load(self) -> Command:
        """The command that makes Redis know it; a script cache is not replicated."""
        return ("SCRIPT", "LOAD", self.source)

    def call(self, keys: tuple[str, ...], *arguments: bytes | str | int) -> Command:
        """Return the command that runs it."""
        return ("EVALSHA", self.sha, len(keys), *keys, *arguments)

    def eval(self, keys: tuple[str, ...], *arguments: bytes | str | int) -> Command:
        """Return the command that runs it whether Redis knows it or not: for rare calls."""
        return ("EVAL", self.source, len(keys), *keys, *arguments)


def read(*names: str, flags: str = "") -> Script:
    """Put a script together from files of this folder."""
    source = f"{_SHEBANG}{flags}\n" + "".join(
        (_FOLDER / f"{name}.lua").read_text() for name in names
    )
    return Script(source, sha1(source.encode(), usedforsecurity=False).hexdigest())


APPEND: Final = read("history", "append")
# It writes at most the epoch of a room, so a full master is no reason not to read from it.
READ: Final = read("history", "read", flags=_WHEN_FULL)
LEASE: Final = read("lease")
REVOKE: Final = read("revoke")
VACATE: Final = read("vacate")
