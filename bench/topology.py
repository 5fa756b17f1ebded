"""The Redis of the runs: a master, two replicas, three sentinels, thrown away afterwards."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from bench.serving import free_port

START_DEADLINE = 30.0
POLL = 0.05
MASTER_NAME = "mymaster"
SENTINELS = 3
REPLICAS = 2
DATA_SETTINGS = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": '""',
    "maxmemory-policy": "noeviction",
    "min-replicas-to-write": "1",
    "min-replicas-max-lag": "2",
    "repl-diskless-sync-delay": "0",
    "repl-backlog-size": "64mb",
}
"""What Holdfast asks of its Redis; the peers run on the same one."""


@dataclass(frozen=True, slots=True)
class Topology:
    """The running processes: ports and pids of the data nodes, the master first."""

    ports: tuple[int, ...]
    pids: tuple[int, ...]
    sentinels: tuple[int, ...]

    @property
    def redis_url(self) -> str:
        """The master itself, for servers that know no Sentinel."""
        return f"redis://127.0.0.1:{self.ports[0]}/0"

    @property
    def sentinel_url(self) -> str:
        """The whole topology."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        return f"redis+sentinel://{hosts}/{MASTER_NAME}/0"

    def probes(self) -> tuple[tuple[str, int], ...]:
        """Master and replicas, for the CPU that a message costs behind the server."""
        return (("redis", self.pids[0]), *(("replica", pid) for pid in self.pids[1:]))

    def empty(self) -> None:
        """Removes all data; only while no server runs."""
        with Redis(port=self.ports[0]) as master:
            master.flushall()


def _configuration(folder: Path, port: int, lines: list[str]) -> Path:
    folder.mkdir()
    path = folder / "redis.conf"
    path.write_text("\n".join([f"port {port}", "bind 127.0.0.1", f"dir {folder}", *lines]) + "\n")
    return path


def _data_lines(master: int, port: int) -> list[str]:
    lines = [f"{name} {value}" for name, value in DATA_SETTINGS.items()]
    return lines if port == master else [*lines, f"replicaof 127.0.0.1 {master}"]


def _sentinel_lines(master: int) -> list[str]:
    monitor = f"sentinel monitor {MASTER_NAME} 127.0.0.1 {master} 2"
    timings = {"down-after-milliseconds": 1500, "failover-timeout": 10000, "parallel-syncs": 2}
    return [monitor, *(f"sentinel {key} {MASTER_NAME} {value}" for key, value in timings.items())]


def _await_ready(master: int, sentinel: int) -> None:
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(RedisError),
            Redis(port=master) as data,
            Redis(port=sentinel, decode_responses=True) as watch,
        ):
            attached = data.info("replication")["connected_slaves"] == REPLICAS
            seen = watch.sentinel_master(MASTER_NAME)
            known = (seen["num-slaves"], seen["num-other-sentinels"]) == (REPLICAS, SENTINELS - 1)
            if attached and known and data.wait(REPLICAS, 1000) == REPLICAS:
                return
        time.sleep(POLL)
    raise RuntimeError("Redis did not come up")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@contextlib.contextmanager
def topology() -> Iterator[Topology]:
    """Master, replicas and sentinels in step, for as long as the context lasts."""
    ports = [free_port() for _ in range(1 + REPLICAS + SENTINELS)]
    data, sentinels = ports[: 1 + REPLICAS], ports[1 + REPLICAS :]
    folder = Path(tempfile.mkdtemp(prefix="bench-redis-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        pids = []
        for port in ports:
            lines = _data_lines(data[0], port) if port in data else _sentinel_lines(data[0])
            path = _configuration(folder / str(port), port, lines)
            options = [] if port in data else ["--sentinel"]
            process = subprocess.Popen(
                ["redis-server", str(path), *options], stdout=subprocess.DEVNULL
            )
            stack.callback(_stop, process)
            pids.append(process.pid)
        _await_ready(data[0], sentinels[0])
        yield Topology(tuple(data), tuple(pids[: len(data)]), tuple(sentinels))
