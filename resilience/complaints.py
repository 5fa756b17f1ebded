"""What only a person can mend is said at once and while it lasts, but not for each room and try."""

import asyncio
from math import inf
from typing import Final

SAY_S: Final = 10.0  # six lines a minute are seen; one for each room and second bury all others


class Complaints:
    """When each code was said last."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}

    def is_due(self, code: str) -> bool:
        """Tell whether to say it now."""
        now = asyncio.get_running_loop().time()
        if now - self._said.get(code, -inf) < SAY_S:
            return False
        self._said[code] = now
        return True
