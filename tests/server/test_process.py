"""The server as a process: what a newcomer starts, talks to by ordinary tools, and stops."""

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest

from deploy.local.audience import ticket
from deploy.local.cluster import Cluster
from server.app import own_origins
from tests.chatting import deaf_socket
from tests.server.process import process as watched

ROOT = Path(__file__).parents[2]
QUIET_S = 0.5
SECRET = "0123456789abcdef-0123456789abcdef-process"
MANY = {
    f"WEBSOCKET_{name}": "1000"
    for name in (
        "MAX_CONNECTIONS",
        "MAX_CONNECTIONS_PER_IP",
        "MAX_UNAUTHENTICATED_PER_IP",
        "HANDSHAKES_PER_MINUTE",
    )
}


async def launch(*arguments: str, **environment: str) -> Process:
    return await spawn(sys.executable, "-m", *arguments, **environment)


async def spawn(*command: str, **environment: str) -> Process:
    inherited = {"PATH": os.environ["PATH"]}
    return await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**inherited, **environment},
        stdin=PIPE,
        stdout=PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def finish(process: Process) -> tuple[int, str]:
    """Wait for the process to end, and return its exit code and what it printed."""
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode is not None
    return process.returncode, output.decode()


class Running:
    """A server process that listens."""

    def __init__(self, process: Process, port: int, output: str) -> None:
        self.process = process
        self.port = port
        self.output = output

    async def stop(self) -> tuple[int, str]:
        """Send SIGTERM and wait for the end."""
        self.process.send_signal(signal.SIGTERM)
        return await finish(self.process)


@asynccontextmanager
async def running(*arguments: str, **environment: str) -> AsyncIterator[Running]:
    process = await launch("server", *arguments, PORT="0", ADMIN_PORT="0", **environment)
    async with following(process) as server:
        yield server


@asynccontextmanager
async def following(process: Process) -> AsyncIterator[Running]:
    """Read what a server says until it listens; kill it in the end, if it runs still."""
    try:
        assert process.stdout is not None
        output = ""
        async with asyncio.timeout(20):
            while '"event":"listening"' not in output:
                line = await process.stdout.readline()
                assert line, output
                output += line.decode()
        port = int(re.findall(r'"event":"listening".*"port":(\d+)', output)[0])
        yield Running(process, port, output)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_dev_server_prints_what_a_newcomer_needs() -> None:
    """--dev needs nothing, prints a URL and a token that works, and ends with 0."""
    async with running("--dev") as server:
        assert "/console" in server.output
        token = re.findall(r"eyJ\S+", server.output)[0]
        url = f"http://127.0.0.1:{server.port}/v1/rooms/general/messages"
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            async with session.post(url, json={"text": "hello"}) as created:
                assert created.status == 201
            async with session.get(url) as page:
                assert (await page.json())["items"][0]["text"] == "hello"
        code, rest = await server.stop()
    assert code == 0
    assert "Traceback" not in rest


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_own_console_on_any_free_port(host: str) -> None:
    """With PORT=0 the pages of the port that was found may sign in and connect, of others not."""
    async with running("--dev") as server, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{server.port}"
        own = {"Origin": f"http://{host}:{server.port}"}
        foreign = {"Origin": f"http://{host}:{server.port - 1}"}
        async with session.ws_connect(f"{url}/ws", protocols=["chat.v1"], headers=own):
            pass
        for headers, status in ((own, 200), (foreign, 403)):
            asked = session.post(f"{url}/dev/token", json={"user": "ann"}, headers=headers)
            async with asked as answer:
                assert answer.status == status


def test_own_origins_as_browsers_say_them() -> None:
    """On port 80 a browser names no port, so the origins of the server's own pages have none."""
    assert own_origins(80) == {"http://localhost", "http://127.0.0.1"}
    assert own_origins(8080) == {"http://localhost:8080", "http://127.0.0.1:8080"}


async def test_settings_that_are_missing() -> None:
    """Without --dev a missing secret and a missing REDIS_URL refuse to start, both said, exit 2."""
    code, output = await finish(await launch("server"))
    assert code == 2
    assert "JWT_SECRET: required" in output
    assert "REDIS_URL: required" in output


@pytest.mark.parametrize("prefix", ["", "ADMIN_"])
async def test_port_in_use(prefix: str) -> None:
    """A port that is taken is one line, which says whose it is, and exit 1."""
    environment = {"JWT_SECRET": SECRET, "REDIS_URL": "memory://"}
    async with running(**environment) as server:
        ports = {"PORT": "0", "ADMIN_PORT": "0", f"{prefix}PORT": str(server.port)}
        code, output = await finish(await launch("server", **ports, **environment))
    assert (code, len(output.splitlines())) == (1, 1), output
    assert output.startswith(f"{prefix}HOST, {prefix}PORT: ")
    assert "in use" in output


@pytest.mark.parametrize(("name", "host"), [("HOST", "[::1]"), ("ADMIN_HOST", "203.0.113.7")])
async def test_an_address_of_another_machine(name: str, host: str) -> None:
    """To listen where this machine has no address is one line and exit 1 too, no traceback."""
    environment = {"JWT_SECRET": SECRET, "REDIS_URL": "memory://", "PORT": "0", "ADMIN_PORT": "0"}
    code, output = await finish(await launch("server", **environment, **{name: host}))
    assert (code, len(output.splitlines())) == (1, 1), output
    assert output.startswith(f"{name}, {name.replace('HOST', 'PORT')}: ")


async def test_token_of_the_command_line() -> None:
    """`python -m server token` mints what the server accepts."""
    minted = await launch(
        "server", "token", "--user", "ann", "--room", "general=rw", JWT_SECRET=SECRET
    )
    code, token = await finish(minted)
    assert code == 0
    async with running(JWT_SECRET=SECRET, REDIS_URL="memory://") as server:
        url = f"http://127.0.0.1:{server.port}/v1/rooms"
        headers = {"Authorization": f"Bearer {token.strip()}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            assert (await session.get(f"{url}/general/messages")).status == 200
            assert (await session.get(f"{url}/other/messages")).status == 403


@pytest.mark.parametrize(
    "arguments",
    [
        ["--user", "a b"],
        ["--user", "a", "--room", "x"],
        ["--user", "a", "--lifetime", "90000"],
    ],
)
async def test_bad_arguments_of_token(arguments: list[str]) -> None:
    """A user, room or life that can't be is exit 2 and a line, no traceback."""
    code, output = await finish(await launch("server", "token", *arguments, JWT_SECRET=SECRET))
    assert code == 2
    assert "Traceback" not in output


async def test_a_token_that_nobody_would_accept() -> None:
    """With --dev a secret is made up for the server that starts, not for a token by itself."""
    code, output = await finish(await launch("server", "--dev", "token", "--user", "ann"))
    assert code == 2
    assert "JWT_SECRET: required" in output
    assert "eyJ" not in output


async def test_a_token_that_others_make() -> None:
    """Where only public keys are accepted none can be made here: exit 2 and a line."""
    keys = {"JWT_JWKS_URL": "https://127.0.0.1/keys"}
    code, output = await finish(await launch("server", "token", "--user", "ann", **keys))
    assert (code, output.startswith("JWT_SECRET: ")) == (2, True)


async def test_a_token_by_the_algorithm_accepted() -> None:
    """With JWT_ALGORITHMS the development server's own tokens are of one of these."""
    async with running("--dev", JWT_ALGORITHMS="HS512") as server:
        token = re.findall(r"eyJ\S+", server.output)[0]
        url = f"http://127.0.0.1:{server.port}/v1/rooms/general/messages"
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            assert (await session.get(url)).status == 200


async def test_more_files_than_the_soft_limit() -> None:
    """As many sockets as were asked for are let in, though the limit it starts with is lower."""
    few = 'ulimit -Sn 64 && exec "$0" -m server --dev'
    process = await spawn("sh", "-c", few, sys.executable, PORT="0", ADMIN_PORT="0", **MANY)
    many = aiohttp.TCPConnector(limit=0)
    async with following(process) as server, aiohttp.ClientSession(connector=many) as session:
        url = f"http://127.0.0.1:{server.port}/ws"
        sockets = [await session.ws_connect(url) for _ in range(150)]
        assert all(not socket.closed for socket in sockets)
        assert (await sockets[-1].receive_json(timeout=5))["type"] == "hello"
        await asyncio.gather(*(socket.close() for socket in sockets))


async def test_told_to_stop_while_it_waits_for_redis() -> None:
    """A server that waits for Redis at its start ends by SIGTERM, with 0."""
    asked, ended = asyncio.Event(), asyncio.Event()

    async def hear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await ended.wait()
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        waiting = {"REDIS_URL": f"redis://127.0.0.1:{port}", "REDIS_WAIT_AT_START": "true"}
        process = await launch("server", PORT="0", ADMIN_PORT="0", JWT_SECRET=SECRET, **waiting)
        async with asyncio.timeout(20):
            await asked.wait()
        process.send_signal(signal.SIGTERM)
        code, output = await finish(process)
        ended.set()
    assert (code, "Traceback" in output) == (0, False)


async def test_drain(tmp_path: Path) -> None:
    """SIGTERM: readiness 503, no new sockets, goaway to each, 1012 to who stays, exit 0."""
    environment = {"JWT_SECRET": SECRET, "REDIS_URL": "memory://", "DRAIN_SECONDS": "2"}
    async with running(**environment) as server, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{server.port}"
        sockets = [await session.ws_connect(f"{url}/ws") for _ in range(5)]
        for socket in sockets:
            await socket.receive(5)
        server.process.send_signal(signal.SIGTERM)
        goodbyes = [json.loads((await socket.receive(5)).data) for socket in sockets]
        assert {frame["type"] for frame in goodbyes} == {"goaway"}
        assert len({frame["retry_ms"] for frame in goodbyes}) > 1
        assert (await session.get(f"{url}/health/ready")).status == 503
        assert (await session.get(f"{url}/health/live")).status == 200
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{url}/ws")
        assert refused.value.status == 503
        for socket in sockets:
            await socket.receive(5)
            assert socket.close_code == 1012
        code, output = await finish(server.process)
    assert code == 0
    assert "Traceback" not in output


async def test_held_publishes_by_rest_are_answered_before_the_end() -> None:
    """SIGTERM while Redis is away: who publishes by REST is answered, and then the server ends."""
    async with Cluster(replicas=0, sentinels=0) as cluster:
        redis, secret = await cluster.master(), cluster.jwt_secret
        headers = {"Authorization": f"Bearer {ticket(secret, 'ann')}"}
        async with (
            running(JWT_SECRET=secret, REDIS_URL=cluster.url()) as server,
            aiohttp.ClientSession(headers=headers) as session,
        ):
            cluster.hang(redis)
            url = f"http://127.0.0.1:{server.port}/v1/rooms/general/messages"
            saying = [asyncio.create_task(session.post(url, json={"text": "x"})) for _ in range(5)]
            async with asyncio.timeout(10):
                while await held(session, server) < 3:  # the canary may be one of them
                    await asyncio.sleep(0.05)
            server.process.send_signal(signal.SIGTERM)
            answered, _ = await asyncio.wait(saying, timeout=3)
            cluster.resume(redis)
            assert not answered
            assert [(await answer).status for answer in saying] == [201] * 5
            code, output = await finish(server.process)
    assert (code, "Traceback" in output) == (0, False)


async def held(session: aiohttp.ClientSession, server: Running) -> float:
    """Return how many publishes wait for their commit."""
    port = re.findall(r'"event":"operators_listening".*"port":(\d+)', server.output)[0]
    async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        return float(re.findall(r"\nchat_publish_held (\S+)", await answer.text())[0])


async def test_who_takes_no_scrape_holds_up_no_end() -> None:
    """After SIGTERM a server is gone in five seconds, though an operator does not read on."""
    async with watched() as server:
        with closing(deaf_socket()) as ear:
            loop = asyncio.get_running_loop()
            await loop.sock_connect(ear, ("127.0.0.1", server.operators))
            await loop.sock_sendall(ear, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
            spent = -1.0
            while server.cpu_s - spent > QUIET_S / 10:  # no further answer fits between the two
                spent = server.cpu_s
                await asyncio.sleep(QUIET_S)
            begun = loop.time()
            assert await server.stop() == 0
            assert loop.time() - begun < 5


async def test_command_line_client_of_websockets() -> None:
    """The command-line client of `websockets` signs in, joins and publishes."""
    async with running("--dev") as server:
        token = re.findall(r"eyJ\S+", server.output)[0]
        client = await launch("websockets", f"ws://127.0.0.1:{server.port}/ws")
        assert client.stdin is not None
        assert client.stdout is not None
        frames = [
            {"type": "auth", "token": token},
            {"type": "join", "room": "general"},
            {"type": "publish", "room": "general", "text": "by hand"},
        ]
        output = ""
        async with asyncio.timeout(15):
            while "hello" not in output:
                output += (await client.stdout.read(4096)).decode()
            client.stdin.write("".join(json.dumps(f) + "\n" for f in frames).encode())
            while '"text":"by hand"' not in output:
                output += (await client.stdout.read(4096)).decode()
        client.kill()
        await client.wait()
        await server.stop()


async def test_curl() -> None:
    """`curl` reads health and publishes."""
    async with running("--dev") as server:
        token = re.findall(r"eyJ\S+", server.output)[0]
        curl = await asyncio.create_subprocess_exec(
            "curl",
            "-sS",
            f"http://127.0.0.1:{server.port}/health/websocket",
            "--next",
            "-sS",
            *("-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/json"),
            *("-d", '{"text":"by curl"}'),
            f"http://127.0.0.1:{server.port}/v1/rooms/general/messages",
            stdout=PIPE,
        )
        output, _ = await asyncio.wait_for(curl.communicate(), 10)
        assert b'"status":"healthy"' in output
        assert b'"text":"by curl"' in output
        await server.stop()
