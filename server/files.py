"""Open files: a socket is one, and the usual limit of 1,024 is less than a node may serve."""

import logging
import resource
from typing import Final

from handlers.gate import HTTP_SPARE

_log: Final = logging.getLogger("holdfast.files")

_SPARE: Final = HTTP_SPARE + 256  # Redis and its sentinels, operators, whatever is imported


def allow_files(connections: int) -> None:
    """Raise this process's limit to what so many connections need, or say that it may not be."""
    wanted = connections + _SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        _log.warning("few_files", extra={"allowed": allowed, "wanted": wanted})
