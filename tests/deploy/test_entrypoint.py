"""A container's start: the templates filled in by the environment, the role kept by the volume."""

import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from deploy.local.commands import UNANSWERED, command
from deploy.local.ports import LOOPBACK, Port
from deploy.local.process import Process
from deploy.local.reaper import Reaper
from deploy.local.templates import TEMPLATES
from tests.certificates import issue

USERS = ("REPLICA", "SENTINEL", "CHAT", "MONITOR")
PASSWORDS = {f"{name}_PASSWORD": f"{name.lower()}-1._" for name in USERS}
ENTRYPOINT = str(TEMPLATES / "entrypoint.sh")
DEADLINE = 10.0


class Container:
    """One node as a container would run it: an environment and a volume, nothing else."""

    def __init__(
        self, role: str, volume: Path, port: Port, group: int, master: int, *, tls: bool = False
    ) -> None:
        self.port = port.number
        self.volume = volume
        secret = volume / "admin-secret"
        secret.write_text("admin-1")
        environment = PASSWORDS | {
            "PATH": "/usr/bin:/bin",
            "DATA_DIR": str(volume),
            "ADMIN_PASSWORD_FILE": str(secret),
            "NODE_HOST": LOOPBACK,
            "NODE_PORT": str(port.number),
            "MASTER_HOST": LOOPBACK,
            "MASTER_PORT": str(master),
        }
        options = [] if tls else ["--port", str(port.number)]
        if tls:
            issue(volume)
            environment["TLS_DIR"] = str(volume)
        self.authorities = volume / "authorities.pem" if tls else None
        command = ["sh", ENTRYPOINT, role, *options, "--bind", LOOPBACK]
        self.process = Process(
            role, command, directory=volume, group=group, environment=environment
        )

    async def start(self) -> None:
        self.process.start()
        await self.process.ready(self.answers, DEADLINE)

    async def answers(self) -> bool:
        try:
            return bool(await self.ask("PING") == "PONG")
        except UNANSWERED:
            return False

    async def ask(self, *words: str) -> object:
        login = ("admin", "admin-1")
        return await command(self.port, login, *words, authorities=self.authorities)

    async def role(self) -> object:
        match await self.ask("ROLE"):
            case ["master", *_]:
                return "master"
            case ["slave", _, port, *_]:
                return port
        return None


Run = Callable[..., Container]


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    """Make containers, each with a volume of its own; all are gone at the end."""
    reaper = Reaper(None)
    made: list[Container] = []
    ports: list[Port] = []

    def make(role: str, master: Container | None = None, *, tls: bool = False) -> Container:
        volume = tmp_path / str(len(made))
        volume.mkdir()
        ports.append(Port())
        at = master.port if master else ports[-1].number
        made.append(Container(role, volume, ports[-1], reaper.group, at, tls=tls))
        return made[-1]

    yield make
    await reaper.close()
    for container in made:
        await container.process.ended(DEADLINE)
    for port in ports:
        port.close()


async def test_a_node_comes_back_in_the_role_it_had(run: Run) -> None:
    """After the roles were changed and kept, a restart does not fall back to the first ones."""
    first = run("redis")
    await first.start()
    second = run("redis", first)
    await second.start()
    assert (await first.role(), await second.role()) == ("master", first.port)
    await second.ask("REPLICAOF", "NO", "ONE")
    await first.ask("REPLICAOF", LOOPBACK, str(second.port))
    for container in (first, second):
        await container.ask("CONFIG", "REWRITE")
        await container.process.kill()
    for container in (second, first):
        await container.start()
    assert (await second.role(), await first.role()) == ("master", second.port)
    assert (first.volume / "redis.conf").read_text().count("\nreplicaof ") == 1


async def test_a_node_without_its_file_begins_anew(run: Run) -> None:
    """Whom a node followed is in its filled-in file alone: a restored backup needs a master."""
    first = run("redis")
    await first.start()
    await first.ask("REPLICAOF", LOOPBACK, "1")
    await first.ask("CONFIG", "REWRITE")
    await first.process.kill()
    await first.start()
    assert await first.role() == 1
    await first.process.kill()
    (first.volume / "redis.conf").unlink()
    await first.start()
    assert await first.role() == "master"


async def test_a_sentinel_keeps_what_it_learned(run: Run) -> None:
    """A restarted sentinel has its identity, and watches the master it knew last."""
    master = run("redis")
    await master.start()
    sentinel = run("sentinel", master)
    await sentinel.start()
    identity = await sentinel.ask("SENTINEL", "MYID")
    elsewhere = run("redis")
    await elsewhere.start()
    text = (sentinel.volume / "sentinel.conf").read_text()
    await sentinel.process.kill()
    moved = text.replace(f"{LOOPBACK} {master.port} 2", f"{LOOPBACK} {elsewhere.port} 2")
    assert moved != text
    (sentinel.volume / "sentinel.conf").write_text(moved)
    await sentinel.start()
    assert await sentinel.ask("SENTINEL", "MYID") == identity
    address = await sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")
    assert address == [LOOPBACK, str(elsewhere.port)]


@pytest.mark.parametrize("role", ["redis", "sentinel"])
async def test_certificates_turn_the_clear_port_off(run: Run, role: str) -> None:
    """With TLS_DIR a node speaks TLS at its port, and nothing else."""
    node = run(role, tls=True)
    await node.start()
    assert await node.ask("PING") == "PONG"
    node.authorities = None
    assert not await node.answers()


async def test_files_with_secrets_are_private(run: Run) -> None:
    """What a container fills in can be read by its own user alone."""
    node = run("redis")
    await node.start()
    await node.ask("CONFIG", "REWRITE")
    for name in ("redis.conf", "users.acl"):
        assert (node.volume / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("secret", ["", "two words", "quo'te", "$HOME", "a\nuser eve on", "`id`"])
def test_a_password_that_would_break_a_file_is_refused(tmp_path: Path, secret: str) -> None:
    """A password that is missing, or has other characters than it may, ends with its name."""
    result = start(tmp_path, PASSWORDS | {"ADMIN_PASSWORD": "a", "CHAT_PASSWORD": secret})
    assert result.returncode == 2
    assert "CHAT_PASSWORD" in result.stderr
    assert not secret or secret not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_role_is_refused(tmp_path: Path) -> None:
    """Another role than the two it knows ends with a line on how it is called."""
    result = start(tmp_path, PASSWORDS | {"ADMIN_PASSWORD": "a"}, role="cluster")
    assert (result.returncode, result.stderr.split(":")[0]) == (2, "usage")


def start(
    volume: Path, environment: Mapping[str, str], role: str = "redis"
) -> subprocess.CompletedProcess[str]:
    place = {"DATA_DIR": str(volume), "NODE_HOST": LOOPBACK, "MASTER_HOST": LOOPBACK}
    return subprocess.run(
        ["sh", ENTRYPOINT, role],
        env={"PATH": "/usr/bin:/bin", **place, **environment},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
