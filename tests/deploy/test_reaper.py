"""Nothing stays behind, however the process ends that started a cluster."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.local.cluster import Cluster
from deploy.local.process import DiedError
from deploy.local.waiting import until

ROOT = Path(__file__).resolve().parents[2]
# Starts a cluster, says where and which processes, then waits to be killed.
STARTER = """
import asyncio, signal, sys
from deploy.local.cluster import Cluster

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's job may ignore it

async def main():
    async with Cluster() as cluster:
        names = {node.process.pid: node.name for node in cluster.everybody}
        cluster.hang(cluster.named("redis-2"))
        print(cluster.nodes[0].directory.parent, *names, flush=True)
        told = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(told)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
        await told.read()

asyncio.run(main())
"""


def family(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, None])
async def test_nothing_outlives_its_starter(number: signal.Signals | None) -> None:
    """Its nodes, one of them frozen, its watch and its folder go with the starter, by any end."""
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with starter:
        assert starter.stdout
        assert starter.stdin
        directory, *pids = (await asyncio.to_thread(starter.stdout.readline)).decode().split()
        started = family(starter.pid)
        assert {int(pid) for pid in pids} < {process.pid for process in started}
        assert len(pids) == 6
        assert Path(directory).is_dir()
        if number is None:
            starter.stdin.close()
        else:
            os.kill(starter.pid, number)
        await asyncio.to_thread(starter.wait, 20)

    async def gone() -> bool:
        return not Path(directory).exists() and not any(runs(process) for process in started)

    await until(gone, 10, "all gone")


async def test_a_cluster_that_fails_to_start_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """When a sentinel can't start, the nodes that did start are gone, and so is the folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = family(os.getpid())
    with pytest.raises(DiedError, match=r"sentinel-\d ended"):
        async with Cluster(down_after_ms=-1):
            pass
    assert [process for process in family(os.getpid()) if process not in before] == []
    assert list(tmp_path.iterdir()) == []


async def test_a_named_folder_stays(tmp_path: Path) -> None:
    """A folder that the caller names stays with logs and data; one that holds files is refused."""
    async with Cluster(replicas=0, sentinels=0, directory=tmp_path / "run"):
        pass
    assert (tmp_path / "run" / "redis-1.log").is_file()
    with pytest.raises(FileExistsError):
        async with Cluster(directory=tmp_path / "run"):
            pass
