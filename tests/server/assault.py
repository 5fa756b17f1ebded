"""Attackers in a process of their own: `python -m tests.server.assault ATTACK START SLOT PORT…`.

From START on, by the monotonic clock that all processes share, each slot of so many seconds goes
to the next port; a port 0 is a slot without an attack. They come from one address.
"""

import asyncio
import sys
from contextlib import AsyncExitStack
from time import monotonic
from typing import Final

from tests.server.attacks import ATTACKS, Attack

ADDRESS: Final = "127.0.0.3"
_AGAIN_S: Final = 0.05


async def assault(name: str, start: float, slot: float, ports: list[int]) -> None:
    """Carry one attack out, slot after slot."""
    attack = {attack.__name__: attack for attack in ATTACKS}[name]
    for number, port in enumerate(ports):
        end = start + (number + 1) * slot
        await asyncio.sleep(end - slot - monotonic())
        while port and monotonic() < end - _AGAIN_S:
            try:
                async with AsyncExitStack() as stack, asyncio.timeout(end - monotonic()):
                    seconds = end - monotonic()
                    await attack(Attack(port, stack, address=ADDRESS, seconds=seconds))
            except (OSError, TimeoutError, EOFError):
                await asyncio.sleep(_AGAIN_S)  # refused or cut: come again


if __name__ == "__main__":
    _, attack_name, begin, length, *targets = sys.argv
    asyncio.run(assault(attack_name, float(begin), float(length), [int(t) for t in targets]))
