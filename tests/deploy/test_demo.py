"""`make ha` and `make failover`: a deployment to break, and a report that is right."""

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from deploy.local.failover import KINDS

ROOT = Path(__file__).parents[2]


async def launch(folder: Path, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.local", *arguments),
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        stdout=PIPE,
        stderr=STDOUT,
    )


@pytest.fixture
async def deployment(tmp_path: Path) -> AsyncIterator[tuple[Process, str]]:
    """What `make ha` runs, and what it prints first; ended as by Ctrl-C."""
    process = await launch(tmp_path, "ha")
    assert process.stdout is not None
    greeting = ""
    async with asyncio.timeout(40):
        while "Ctrl-C" not in greeting:
            line = await process.stdout.readline()
            assert line, greeting
            greeting += line.decode()
    yield process, greeting
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, output.decode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(150)
async def test_every_kind_of_failover(deployment: tuple[Process, str], tmp_path: Path) -> None:
    """Each kind replaces the master, and the report says that nobody lost anything."""
    consoles = re.findall(r"http://\S+", deployment[1])
    async with aiohttp.ClientSession() as session:
        for console in consoles:
            assert (await session.get(console)).status == 200
    for kind in KINDS:
        ordered = await launch(tmp_path, "failover", "--kind", kind)
        output, _ = await asyncio.wait_for(ordered.communicate(), 60)
        report = output.decode()
        assert ordered.returncode == 0, report
        assert "lost 0, doubled 0, out of order 0" in report
        assert "sockets kept 20/20" in report
        acked = re.findall(r"acknowledged ([\d,]+), of these", report)[0]
        assert int(acked.replace(",", "")) > 100


async def test_failover_by_the_console(deployment: tuple[Process, str]) -> None:
    """The console's button orders a failover, and another node becomes master."""
    base = re.findall(r"http://[^/\s]+", deployment[1])[0]
    async with aiohttp.ClientSession(base) as session:
        answer = await session.post("/dev/token", json={"user": "ann"})
        headers = {"Authorization": f"Bearer {(await answer.json())['token']}"}

        async def cluster() -> dict[str, Any]:
            document = await session.get("/v1/admin/cluster", headers=headers)
            found: dict[str, Any] = await document.json()
            return found

        before = await cluster()
        assert before["failover"] is True
        ordered = await session.post("/v1/admin/failover", headers=headers)
        assert ordered.status == 202
        after = await cluster()
        async with asyncio.timeout(20):
            while [turn["phase"] for turn in after["history"]][-2:] != ["failing_over", "up"]:
                await asyncio.sleep(0.05)
                after = await cluster()
        assert after["master"]["address"] != before["master"]["address"]


async def test_failover_of_nothing(tmp_path: Path) -> None:
    """Without a deployment there is a clear word and exit 1."""
    ordered = await launch(tmp_path, "failover")
    output, _ = await asyncio.wait_for(ordered.communicate(), 20)
    assert (ordered.returncode, b"make ha" in output) == (1, True)


async def order(folder: Path, greeting: str) -> Process:
    """Order a failover, and return once people are there to see it."""
    base = re.findall(r"http://[^/\s]+", greeting)[0]
    ordered = await launch(folder, "failover")
    async with aiohttp.ClientSession(base) as session, asyncio.timeout(20):
        while (await (await session.get("/health/websocket")).json())["connections"] == 0:
            await asyncio.sleep(0.05)
    return ordered


async def test_once_in_a_folder(deployment: tuple[Process, str], tmp_path: Path) -> None:
    """A second one is refused, and the first can still be failed over."""
    second = await launch(tmp_path, "ha")
    output, _ = await asyncio.wait_for(second.communicate(), 20)
    assert (second.returncode, b"already" in output) == (1, True)
    assert [entry.name for entry in tmp_path.iterdir()] == [".ha.sock"]


async def test_ended_while_it_starts(tmp_path: Path) -> None:
    """Ctrl-C need not wait for all to have started."""
    process = await launch(tmp_path, "ha")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    async with asyncio.timeout(20):
        while not children.read_text():
            await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, output) == (0, b"")


async def test_ended_while_it_fails_over(deployment: tuple[Process, str], tmp_path: Path) -> None:
    """Who ordered the failover is told so; neither terminal shows a traceback."""
    process, greeting = deployment
    ordered = await order(tmp_path, greeting)
    process.send_signal(signal.SIGINT)
    report, _ = await asyncio.wait_for(ordered.communicate(), 20)
    assert (ordered.returncode, b"ended meanwhile" in report) == (1, True)
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert output.strip() == b"stopping"


async def test_order_is_given_up(deployment: tuple[Process, str], tmp_path: Path) -> None:
    """Ctrl-C of who waits for the report is no traceback."""
    ordered = await order(tmp_path, deployment[1])
    ordered.send_signal(signal.SIGINT)
    output, _ = await asyncio.wait_for(ordered.communicate(), 20)
    assert (ordered.returncode, output) == (130, b"")
