"""Programs of Node, run to their end."""

import asyncio
import os
import shutil
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
NODE: Final = shutil.which("node")
PATIENCE_S: Final = 50.0


async def node(*arguments: str | Path, **environment: str) -> str:
    """Run Node in this folder."""
    # Node 20 has WebSocket behind this; later ones have it anyway.
    return await run(
        NODE or "node", "--experimental-websocket", *arguments, environment=environment
    )


async def run(
    *command: str | Path, cwd: Path = HERE, environment: Mapping[str, str] | None = None
) -> str:
    """Run a program and return what it prints, which is the reason if it fails."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
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
    return output.decode()
