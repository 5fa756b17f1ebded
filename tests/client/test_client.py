"""The browser's client: its own tests by Node, its types by tsc, and a talk with this server."""

import asyncio
import json
import os
import shutil
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from tests.chatting import Served, token

HERE: Final = Path(__file__).resolve().parent
CLIENT: Final = HERE.parent.parent / "console"
NODE: Final = shutil.which("node")
TSC: Final = HERE / "node_modules" / "typescript" / "bin" / "tsc"
PARTS: Final = sorted({path.name for path in HERE.glob("*.test.mjs")} - {"server.test.mjs"})
PATIENCE_S: Final = 50.0

needs_node = pytest.mark.skipif(NODE is None, reason="Node 20 or newer is not installed")
needs_tsc = pytest.mark.skipif(
    not TSC.exists(), reason="TypeScript is not installed: npm install in tests/client"
)


async def node(*arguments: str | Path, **environment: str) -> None:
    """Run Node in this folder; whatever it prints is the reason if it fails."""
    process = await asyncio.create_subprocess_exec(
        NODE or "node",
        *arguments,
        cwd=HERE,
        env=os.environ | environment,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()


@needs_node
@pytest.mark.parametrize("part", PARTS)
async def test_behaviour(part: str) -> None:
    """Each test of this part passes, on a virtual clock and against sockets made for it."""
    await node("--test", part)


@needs_node
async def test_talks_with_the_server(serve: Callable[..., Awaitable[Served]]) -> None:
    """The client and this server agree: over real sockets, through cuts, without a stub."""
    served = await serve()
    await node(
        "--experimental-websocket",  # Node 20; later ones have it anyway
        "--test",
        "server.test.mjs",
        CHAT_URL=f"ws://127.0.0.1:{served.port}/ws",
        CHAT_TOKENS=json.dumps([token("ann"), token("bo")]),
    )


@needs_node
@needs_tsc
async def test_types() -> None:
    """The module keeps what `client.d.ts` declares, and the documented use of it type-checks."""
    await node(TSC, "--project", HERE)


def test_package_is_complete() -> None:
    """What the package names is there, it depends on nothing, and the version is said once."""
    package = json.loads((CLIENT / "package.json").read_text())
    entry = package["exports"]["."]
    named = {*package["files"], *(path.removeprefix("./") for path in entry.values())}
    assert [name for name in named if not (CLIENT / name).is_file()] == []
    assert [key for key in package if "ependencies" in key or key == "publishConfig"] == []
    assert package["license"] == "Apache-2.0"
    assert f"{package['name']}/{package['version']}" in (CLIENT / "client.js").read_text()
