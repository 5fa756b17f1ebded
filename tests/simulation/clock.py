"""An event loop without sockets or real time: a virtual clock, and an order that a seed decides."""

import asyncio
import contextvars
import sys
from collections.abc import Callable, Coroutine
from heapq import heappop, heappush
from random import Random
from typing import Any, Final, TypeVar

T = TypeVar("T")

BIRTH_S: Final = 1_000.0  # of the loop's clock; zero would hide a deadline that was never set
TURN_S: Final = 1e-6  # what a turn takes: code may rely on it that time goes on
_ENDLESS: Final = 3_000_000  # turns: far more than any schedule takes


class DeadlockError(RuntimeError):
    """Nothing is left that could ever happen, and the work is not done."""


class Call:
    """A callback that is due; stands in for `asyncio.Handle` and `TimerHandle`."""

    __slots__ = ("_args", "_callback", "_context", "_when", "stopped")

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: contextvars.Context | None,
        when: float,
    ) -> None:
        self._callback = callback
        self._args = args
        self._context = context
        self._when = when
        self.stopped = False

    def cancel(self) -> None:
        """Never call it."""
        self.stopped = True
        self._args = ()

    def cancelled(self) -> bool:
        """Tell whether it will never be called."""
        return self.stopped

    def when(self) -> float:
        """Return when it is due, by the loop's clock."""
        return self._when

    def run(self) -> None:
        """Call it."""
        if self._context is None:
            self._callback(*self._args)
        else:
            self._context.run(self._callback, *self._args)


class VirtualLoop(asyncio.AbstractEventLoop):
    """Runs callbacks turn by turn; when none is ready, time jumps to the next timer.

    With `shuffle` the callbacks of one turn run in an order that the seed decides: more than
    asyncio allows, so that nothing may rest on the order in which tasks happen to wake.
    """

    def __init__(self, random: Random, *, shuffle: bool) -> None:
        self._random = random
        self._shuffle = shuffle
        self._now = BIRTH_S
        self._ready: list[Call] = []
        self._timers: list[tuple[float, int, Call]] = []
        self._count = 0
        self._stopped = False
        self.mistakes: list[BaseException] = []

    def time(self) -> float:
        """Return virtual seconds."""
        return self._now

    def call_soon(  # type: ignore[override] # a lighter handle than asyncio's
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> Any:
        """Call it in the next turn."""
        call = Call(callback, args, context, self._now)
        self._ready.append(call)
        return call

    def call_at(  # type: ignore[override] # the same
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> Any:
        """Call it at a time of this clock."""
        call = Call(callback, args, context, when)
        self._count += 1
        heappush(self._timers, (when, self._count, call))
        return call

    def call_later(  # type: ignore[override] # the same
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> Any:
        """Call it after so many virtual seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """Start a task of this loop."""
        return asyncio.Task(coro, loop=self, **options)

    def get_debug(self) -> bool:
        """Tell that asyncio's own checks are off: they look at real time."""
        return False

    def is_running(self) -> bool:
        """Tell whether the loop runs."""
        return asyncio._get_running_loop() is self

    def is_closed(self) -> bool:
        """Tell that it never is: it holds nothing that must be given back."""
        return False

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Leave errors that nobody fetched to those who judge the schedule."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep mistakes; a future that failed by a lost link and was not awaited is none."""
        error = context.get("exception")
        if error is not None and not isinstance(error, ConnectionError):
            self.mistakes.append(error)

    def run_until_complete(self, future: Any) -> Any:
        """Run until the coroutine is done, and whatever it left behind is cancelled."""
        hooks = sys.get_asyncgen_hooks()
        asyncio._set_running_loop(self)
        sys.set_asyncgen_hooks(finalizer=self._finish_generator)
        try:
            return self._run(future)
        finally:
            self._cancel_all()
            sys.set_asyncgen_hooks(*hooks)
            asyncio._set_running_loop(None)

    def _run(self, coro: Coroutine[Any, Any, T]) -> T:
        task: asyncio.Task[T] = self.create_task(coro)
        for _ in range(_ENDLESS):
            if task.done():
                return task.result()
            self._turn()
        raise DeadlockError("the schedule does not end")

    def _cancel_all(self) -> None:
        for _ in range(100):
            left = [task for task in asyncio.all_tasks(self) if not task.done()]
            if not left:
                return
            for task in left:
                task.cancel()
            while self._ready:
                self._turn()

    def _finish_generator(self, generator: Any) -> None:
        self.call_soon(lambda: self.create_task(generator.aclose()))

    def _turn(self) -> None:
        if not self._ready:
            self._jump()
        self._now += TURN_S
        batch, self._ready = self._ready, []
        if self._shuffle and len(batch) > 1:
            self._random.shuffle(batch)
        for call in batch:
            if not call.stopped:
                try:
                    call.run()
                except Exception as error:  # noqa: BLE001 - judged with the schedule
                    self.mistakes.append(error)

    def _jump(self) -> None:
        """Go to the next timer; timers of the very same time are ready together."""
        timers = self._timers
        while timers and timers[0][2].stopped:
            heappop(timers)
        if not timers:
            raise DeadlockError("nothing will ever happen again")
        now = self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= now:
            call = heappop(timers)[2]
            if not call.stopped:
                self._ready.append(call)
