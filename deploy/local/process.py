"""One child process: started, known to be ready, killed, frozen, awaited, with a log of its own."""

import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from deploy.local.waiting import until

# Seconds. The kernel needs milliseconds to end a process; a deadline is for the day it does not.
END: Final = 10.0
_LAST_LINES: Final = 15
_OWNER_ONLY: Final = 0o077  # Redis and Sentinel write passwords when they rewrite their files


class DiedError(RuntimeError):
    """A process ended before it was ready; the message has the end of its log."""


class Process:
    """A program that can be started again after its death, in the same place.

    It belongs to the process group of a `Reaper`, so that it ends with this process at the latest.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        directory: Path,
        group: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        self._arguments = list(arguments)
        self._directory = directory
        self._group = group
        self._environment = environment
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The number of the process while it runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def running(self) -> bool:
        return self.pid is not None

    @property
    def exit_status(self) -> int | None:
        """How the last run ended: a status, minus a signal's number, None before the end."""
        return self._child.poll() if self._child else None

    def start(self) -> None:
        """Start it; its output is added to the log."""
        if self.running:
            raise RuntimeError(f"{self.name} is running")
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                self._arguments,
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=self._group,
                umask=_OWNER_ONLY,
            )

    async def ready(self, question: Callable[[], Awaitable[bool]], deadline: float) -> None:
        """Wait for a yes to `question`; DiedError, or TimeoutError after `deadline` seconds."""

        async def answered() -> bool:
            if not self.running:
                raise DiedError(f"{self.name} ended ({self.exit_status}):\n{self.last_lines()}")
            return await question()

        await until(answered, deadline, f"{self.name} is ready")

    async def kill(self) -> None:
        """End it by SIGKILL, frozen or not, and wait until it has ended; a dead one is fine."""
        self._signal(signal.SIGKILL)
        await self.ended(END)

    async def terminate(self, deadline: float) -> int:
        """Ask it to end by SIGTERM; its exit status, or TimeoutError after `deadline` seconds."""
        self._signal(signal.SIGTERM)
        return await self.ended(deadline)

    async def ended(self, deadline: float) -> int:
        """Wait for its end; its exit status, or TimeoutError after `deadline` seconds."""

        async def gone() -> bool:
            return not self.running

        await until(gone, deadline, f"{self.name} has ended")
        return self.exit_status or 0

    def freeze(self) -> None:
        """Hang it by SIGSTOP: its sockets stay, and it says nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on where it was, by SIGCONT."""
        self._signal(signal.SIGCONT)

    def last_lines(self) -> str:
        """Return the end of its log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-_LAST_LINES:])

    def _signal(self, number: signal.Signals) -> None:
        if (pid := self.pid) is not None:
            os.kill(pid, number)
