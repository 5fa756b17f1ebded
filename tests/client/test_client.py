"""The browser's client: its own tests by Node, its types by tsc, and a talk with this server."""

import json
import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from tests.chatting import Served, token
from tests.client.node import HERE, NODE, node, run

CLIENT: Final = HERE.parent.parent / "console"
NPM: Final = shutil.which("npm")
TSC: Final = HERE / "node_modules" / "typescript" / "bin" / "tsc"
WITH_SERVERS: Final = {"server.test.mjs", "nodes.test.mjs"}
PARTS: Final = sorted({path.name for path in HERE.glob("*.test.mjs")} - WITH_SERVERS)
MODULE_LINES: Final = 500
LINE_LENGTH: Final = 100
# Valid as JavaScript and as TypeScript.
APP: Final = """
import { Chat, ChatError } from 'holdfast-client';
const chat = new Chat('ws://chat.test/ws', { getToken: () => 'a token' });
chat.join('general').send('hello').catch((error) => error instanceof ChatError);
if (chat.state !== 'idle') throw new Error(chat.state);
"""

needs_node = pytest.mark.skipif(NODE is None, reason="Node 20 or newer is not installed")
needs_npm = pytest.mark.skipif(NPM is None, reason="npm is not installed")
needs_tsc = pytest.mark.skipif(
    not TSC.exists(), reason="TypeScript is not installed: npm install in tests/client"
)


@needs_node
@pytest.mark.parametrize("part", PARTS)
async def test_behaviour(part: str) -> None:
    """Each test of this part passes, on a virtual clock and against sockets made for it."""
    await node("--test", part)


def test_the_documented_command_names_the_files() -> None:
    """docs/client.md gives Node the test files themselves: from 21 on it takes no folder."""
    page = (CLIENT.parent / "docs" / "client.md").read_text()
    (named,) = re.findall(r"`node --test (\S+)`", page)
    assert {path.name for path in CLIENT.parent.glob(named)} == {*PARTS, *WITH_SERVERS}


@needs_node
async def test_talks_with_the_server(serve: Callable[..., Awaitable[Served]]) -> None:
    """The client and this server agree: over real sockets, through cuts, without a stub."""
    served = await serve()
    await node(
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


async def test_module_is_cached(serve: Callable[..., Awaitable[Served]]) -> None:
    """The module is asked for again after minutes, under its version kept, and never sent twice."""
    served = await serve()
    url = f"{served.url}/client.js"
    version = json.loads((CLIENT / "package.json").read_text())["version"]
    current, named, other = [
        await served.session.get(url, params=query)
        for query in ({}, {"v": version}, {"v": "0.0.1"})
    ]
    assert current.headers["Cache-Control"] == "public, max-age=300"
    assert named.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert other.headers["Cache-Control"] == current.headers["Cache-Control"]
    assert await named.read() == await current.read() == (CLIENT / "client.js").read_bytes()
    assert current.headers["Access-Control-Allow-Origin"] == "*"
    again = await served.session.get(url, headers={"If-None-Match": current.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")


def test_module_stays_small() -> None:
    """It has at most 500 lines of code: it is read before it is trusted."""
    lines = (CLIENT / "client.js").read_text().splitlines()
    code = [
        line for line in map(str.strip, lines) if line and line[:2] not in {"//", "/*", "* ", "*/"}
    ]
    assert 300 < len(code) <= MODULE_LINES
    assert [line for line in lines if len(line) > LINE_LENGTH] == []


def test_package_is_complete() -> None:
    """What the package names is there, it depends on nothing, and the version is said once."""
    package = json.loads((CLIENT / "package.json").read_text())
    entry = package["exports"]["."]
    named = {*package["files"], *(path.removeprefix("./") for path in entry.values())}
    assert [name for name in named if not (CLIENT / name).is_file()] == []
    assert [key for key in package if "ependencies" in key or key == "publishConfig"] == []
    assert package["license"] == "Apache-2.0"
    assert (CLIENT / "LICENSE").read_bytes() == (CLIENT.parent / "LICENSE").read_bytes()
    assert f"{package['name']}/{package['version']}" in (CLIENT / "client.js").read_text()


@needs_npm
async def test_package_holds_the_module_and_nothing_else() -> None:
    """What npm would publish is the module, its types, and what every package has."""
    output = await run(NPM or "npm", "pack", "--dry-run", "--json", "--offline", cwd=CLIENT)
    (packed,) = json.loads(output[output.index("[\n") :])
    assert {file["path"] for file in packed["files"]} == {
        *("client.js", "client.d.ts", "package.json", "README.md", "LICENSE")
    }


@needs_node
@needs_npm
@needs_tsc
async def test_package_is_used_by_its_name(tmp_path: Path) -> None:
    """An app that installs the package imports it by its name, in JavaScript and TypeScript."""
    await run(NPM or "npm", "pack", "--offline", "--pack-destination", tmp_path, cwd=CLIENT)
    (package,) = tmp_path.glob("*.tgz")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    quiet = ["--offline", "--no-audit", "--no-fund"]
    await run(NPM or "npm", "install", *quiet, package, cwd=tmp_path)
    (tmp_path / "app.mts").write_text(APP)
    (tmp_path / "app.mjs").write_text(APP)
    await run(NODE or "node", "app.mjs", cwd=tmp_path)
    options = ["--noEmit", "--strict", "--module", "NodeNext", "--lib", "ES2022,DOM"]
    await run(NODE or "node", TSC, *options, "app.mts", cwd=tmp_path)
