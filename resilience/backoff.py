"""Trying again: exponential with full jitter, until a deadline of the event loop's clock."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from resilience.link import LinkLost

FIRST_S: Final = 0.1  # bounds the first wait; on average five reconnects in the first second
LONGEST_S: Final = 1.0

T = TypeVar("T")


def full_jitter(random: Random) -> Callable[[RetryCallState], float]:
    """Return a wait: anything up to 0.1 s, doubled each time, at most 1 s (AWS, "full jitter")."""

    def wait(state: RetryCallState) -> float:
        highest = FIRST_S * 2 ** min(state.attempt_number - 1, 10)
        return random.uniform(0, min(LONGEST_S, highest))

    return wait


async def persist(
    act: Callable[[], Awaitable[T]],
    random: Random,
    *,
    deadline: float | None = None,
    nap: Callable[[float], Awaitable[None]] = asyncio.sleep,
    on: type[Exception] = LinkLost,
) -> T:
    """Do it again and again until it does not raise `on`, at most until `deadline`.

    `deadline` is of the event loop's clock; the last error is raised then. `nap` may return
    early when there is news that makes another try worthwhile.
    """
    loop = asyncio.get_running_loop()

    def stop(_: RetryCallState) -> bool:
        return deadline is not None and loop.time() >= deadline

    async def attempt() -> T:  # tenacity awaits what it sees to be a coroutine function
        return await act()

    retrying = AsyncRetrying(
        wait=full_jitter(random),
        stop=stop,
        retry=retry_if_exception_type(on),
        sleep=nap,
        reraise=True,
    )
    return await retrying(attempt)
