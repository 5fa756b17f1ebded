"""nginx with the very file that is deployed; only addresses, ports, paths, times are replaced."""

import asyncio
import re
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp

from deploy.local.ports import Port
from deploy.local.waiting import until

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "proxy"
CONFIGURATION: Final = (FOLDER / "nginx.conf").read_text()
PLACES: Final = 4
END_S: Final = 10.0


class Proxy:
    """A running nginx."""

    def __init__(self, file: Path, port: int, process: asyncio.subprocess.Process) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._file = file
        self._process = process

    async def answers(self) -> bool:
        assert self._process.returncode is None, "nginx has ended"
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{self.url}/proxy/health") as answer,
            ):
                return answer.status == 204
        except aiohttp.ClientError:
            return False

    async def turn(self) -> None:
        """Let the places that were down take the new connections, by the script for it."""
        before = self._workers()
        turning = await asyncio.create_subprocess_exec(
            "sh", str(FOLDER / "turn.sh"), str(self._file), stdout=asyncio.subprocess.DEVNULL
        )
        assert await turning.wait() == 0
        self._process.send_signal(signal.SIGHUP)

        async def reloaded() -> bool:
            return bool(self._workers() - before) and all(is_leaving(pid) for pid in before)

        await until(reloaded, END_S, "new workers of nginx")

    def _workers(self) -> set[str]:
        pid = self._process.pid
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def is_leaving(worker: str) -> bool:
    """Tell whether a worker takes no new connections any more; those it has it keeps."""
    try:
        return b"shutting down" in Path(f"/proc/{worker}/cmdline").read_bytes()
    except FileNotFoundError:
        return True


@asynccontextmanager
async def proxying(
    present: Sequence[int], following: Sequence[int] = (), edits: Mapping[str, str] | None = None
) -> AsyncIterator[Proxy]:
    """Run nginx before the servers at these ports; `edits` replace texts of its file."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-nginx-"))
    folder.chmod(0o755)  # nginx' workers are another user
    try:
        with Port() as port:
            file = folder / "nginx.conf"
            file.write_text(configure(folder, port.number, present, following, edits or {}))
            with (folder / "errors").open("wb") as errors:
                process = await asyncio.create_subprocess_exec(
                    *("nginx", "-c", str(file), "-g", "daemon off;"), stderr=errors
                )
            try:
                proxy = Proxy(file, port.number, process)
                await until(proxy.answers, END_S, "nginx answers")
                yield proxy
            finally:
                if process.returncode is None:
                    process.terminate()
                await asyncio.wait_for(process.wait(), END_S)
    finally:
        print((folder / "errors").read_text())  # noqa: T201 - pytest shows it with a failure
        shutil.rmtree(folder)


def configure(
    folder: Path,
    port: int,
    present: Sequence[int],
    following: Sequence[int],
    edits: Mapping[str, str],
) -> str:
    """Return the deployed file with what a machine without containers has otherwise."""
    text = CONFIGURATION
    places = [*present, *([9] * (PLACES // 2 - len(present))), *following]  # 9: nobody is there
    for number, place in enumerate(places, 1):
        text = replaced(text, f"172.30.99.1{number}:8080", f"127.0.0.1:{place}")
    text = re.sub(r"172\.30\.99\.1\d:8080", "127.0.0.1:9", text)
    text = replaced(text, "listen 8080", f"listen 127.0.0.1:{port}")
    text = replaced(text, "/tmp/", f"{folder}/")
    for old, new in edits.items():
        text = replaced(text, old, new)
    return text


def replaced(text: str, old: str, new: str) -> str:
    """Replace a text that must be there."""
    assert old in text, old
    return text.replace(old, new)
