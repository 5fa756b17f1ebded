"""Starts a peer's server processes, waits until they listen, and ends them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.paths import BUILD, ROOT
from bench.peers.contract import Launch, Peer
from deploy.local.ports import free_port

START_DEADLINE = 30.0
STOP_DEADLINE = 10.0
POLL = 0.05


@dataclass(frozen=True, slots=True)
class Served:
    """The running server processes of one peer."""

    ports: tuple[int, ...]
    pids: tuple[int, ...]

    def probes(self) -> tuple[tuple[str, int], ...]:
        """The processes whose CPU and memory count as the server's."""
        return tuple(("server", pid) for root in self.pids for pid in family(root))


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        children += [int(child) for child in task.read_text().split()]
    return [pid, *(member for child in children for member in family(child))]


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
        return True
    return False


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_DEADLINE
    while not _listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} does not listen:\n{log.read_text()[-3000:]}")
        time.sleep(POLL)


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(STOP_DEADLINE)


@contextlib.contextmanager
def _process(peer: Peer, launch: Launch) -> Iterator[subprocess.Popen[bytes]]:
    BUILD.mkdir(exist_ok=True)
    log = BUILD / f"{peer.name}.log"
    environment = os.environ | dict(peer.environment(launch))
    with log.open("wb") as output:
        process = subprocess.Popen(
            peer.command(launch),
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await_port(process, launch.port, log)
        yield process
    finally:
        _stop(process)


@contextlib.contextmanager
def serving(peer: Peer, launch: Launch | None = None, processes: int = 1) -> Iterator[Served]:
    """Runs `processes` servers of a peer, listening, for as long as the context lasts."""
    first = launch or Launch(free_port())
    others = [replace(first, port=free_port()) for _ in range(processes - 1)]
    launches = [first, *others]
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(_process(peer, each)) for each in launches]
        yield Served(tuple(each.port for each in launches), tuple(p.pid for p in running))
