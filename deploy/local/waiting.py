"""Waiting for another process: asked again and again until a deadline, since it offers no event."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

T = TypeVar("T")

# Seconds between two questions. Much below what is measured with it (a failover: 1,900 ms), and
# far enough apart to leave the two cores to those who are waited for.
INTERVAL: Final = 0.02


async def until(question: Callable[[], Awaitable[T | None]], deadline: float, what: str) -> T:
    """Return the first answer that is true; TimeoutError names `what` after `deadline` seconds."""
    end = time.monotonic() + deadline
    while not (answer := await question()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {deadline:g} s: {what}")
        await asyncio.sleep(INTERVAL)
    return answer


async def until_nothing_lacks(
    question: Callable[[], Awaitable[Sequence[str]]], deadline: float
) -> None:
    """Wait for an empty answer; TimeoutError says what was lacking after `deadline` seconds."""
    end = time.monotonic() + deadline
    while lacking := await question():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {deadline:g} s: {'; '.join(lacking)}")
        await asyncio.sleep(INTERVAL)


async def together(*works: Coroutine[Any, Any, object]) -> None:
    """Wait for all of them; if one fails the others are cancelled, and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
