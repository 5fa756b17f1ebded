"""docker-compose.yml: valid, hardened, and in agreement with the files and settings it names."""

import re
import subprocess
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import DEVNULL
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from server.environment import is_secret, variable
from server.settings import Settings, load
from tests.conftest import Serve

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
REDIS = [name for name in SERVICES if name.startswith(("redis-", "sentinel-"))]
OBSERVING = [name for name in SERVICES if SERVICES[name].get("profiles") == ["observability"]]
CHATS = [name for name in SERVICES if name.startswith(("chat-", "single"))]
ENTRYPOINT = (DEPLOY / "sentinel" / "entrypoint.sh").read_text()
# Above the drain itself: three for the goodbyes, two for the lanes, five for the container's end.
AFTER_DRAIN_S = 10
PROXY_KIB = 18  # of nginx for each socket, as measured
REDIS_MAXCLIENTS = 10_000  # where its file names no other

CHECK = ("-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec")

each = pytest.mark.parametrize("name", SERVICES)


def without_defaults(text: str) -> str:
    """Put the default of each `${NAME:-default}` into its place."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def test_it_follows_the_compose_specification() -> None:
    """The schema of the Compose specification knows every key and takes every value."""
    checked = subprocess.run(
        (sys.executable, *CHECK, str(DEPLOY / "docker-compose.yml")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@each
def test_each_container_is_hardened(name: str) -> None:
    """A root file system only to read, no capabilities, no new privileges, bounds on its use."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"].keys() >= {"max-size", "max-file"}
    assert {"mem_limit", "pids_limit"} <= service.keys()
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"} & service.keys()


@each
def test_nothing_is_open_to_the_world(name: str) -> None:
    """What is published is published on loopback, and Redis is not published at all."""
    ports = SERVICES[name].get("ports", [])
    assert all(port.startswith("127.0.0.1:") for port in ports)
    if name in REDIS:
        assert ports == []
        assert SERVICES[name]["networks"] == ["storage"]
        assert COMPOSE["networks"]["storage"] == {"internal": True}


def test_no_address_is_given_twice() -> None:
    """What has no address of its own gets one outside of those that are taken."""
    (front,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    given, free = ip_network(front["subnet"]), ip_network(front["ip_range"])
    networks = [service.get("networks", {}) for service in SERVICES.values()]
    taken = [n["front"]["ipv4_address"] for n in networks if isinstance(n, dict)]
    assert len(set(taken)) == len(taken) == len(CHATS)  # and the proxy, but not `single`
    assert all(ip_address(address) in given for address in taken)
    assert not any(ip_address(address) in free for address in taken)


@each
def test_what_is_mounted_exists(name: str) -> None:
    """Each mounted file is there and each mounted volume declared; files are read-only."""
    for mount in SERVICES[name].get("volumes", []):
        source, _, rest = mount.partition(":")
        if source.startswith("."):
            assert (DEPLOY / source).exists()
            assert rest.endswith(":ro")
        else:
            assert source in COMPOSE["volumes"]


@each
def test_secrets_are_files(name: str) -> None:
    """No password stands in an environment; each secret that is named is declared and given."""
    service = SERVICES[name]
    given = set(service.get("secrets", []))
    assert given <= COMPOSE["secrets"].keys()
    environment: dict[str, str] = service.get("environment", {})
    for variable_name, value in environment.items():
        if re.search(r"PASSWORD|SECRET", variable_name):
            assert variable_name.endswith("_FILE")
        if variable_name.endswith("_FILE"):
            assert value.removeprefix("/run/secrets/") in given


@pytest.mark.parametrize("name", CHATS)
def test_the_server_takes_every_setting(name: str, tmp_path: Path) -> None:
    """Each variable of a chat server is a setting, and the server accepts all of them together."""
    environment = {
        key: without_defaults(str(value)) for key, value in SERVICES[name]["environment"].items()
    }
    known = {variable(field.name) for field in msgspec.structs.fields(Settings)}
    secret = {
        f"{variable(field.name)}_FILE"
        for field in msgspec.structs.fields(Settings)
        if is_secret(field)
    }
    assert environment.keys() <= known | secret
    (tmp_path / "jwt_secret").write_text("0123456789-abcdefghij-0123456789")
    (tmp_path / "redis_url").write_text("redis+sentinel://sentinel-1:26379/mymaster/0")
    load({key: value.replace("/run/secrets", str(tmp_path)) for key, value in environment.items()})


@pytest.mark.parametrize("name", REDIS)
def test_the_entrypoint_knows_every_variable(name: str) -> None:
    """Each variable of a Redis or Sentinel is one that its entry point reads, or its probe."""
    service = SERVICES[name]
    for key in service["environment"]:
        base = key.removesuffix("_FILE")
        assert re.search(rf"\b{base}\b", ENTRYPOINT) or key in str(service["healthcheck"])
    assert service["environment"]["NODE_HOST"] == service["hostname"] == name


@pytest.mark.parametrize("name", [*CHATS, *REDIS])
def test_there_are_files_for_the_connections(name: str) -> None:
    """Who takes connections may open a file for each, and as many again for all else."""
    environment = SERVICES[name]["environment"]
    connections = int(
        without_defaults(str(environment.get("WEBSOCKET_MAX_CONNECTIONS", REDIS_MAXCLIENTS)))
    )
    assert SERVICES[name]["ulimits"]["nofile"] >= 2 * connections


@pytest.mark.parametrize("name", CHATS)
def test_there_is_time_for_the_drain(name: str) -> None:
    """A container is killed only after the drain, the goodbyes and the lanes had their time."""
    drain_s = int(SERVICES[name]["environment"].get("DRAIN_SECONDS", Settings().drain_seconds))
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= drain_s + AFTER_DRAIN_S


@pytest.mark.parametrize("name", CHATS)
def test_who_has_just_been_started_can_be_stopped(name: str) -> None:
    """The kernel keeps from a container's first process each signal it has no handler for yet."""
    assert SERVICES[name]["init"] is True


@pytest.mark.parametrize("name", CHATS)
async def test_healthy_is_who_is_ready(name: str, serve: Serve) -> None:
    """The health check, carried out at a server, fails while that takes nobody in."""
    kind, program, *arguments = SERVICES[name]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    served = await serve()
    assert str(arguments).count(":8080/") == 1
    command = [text.replace(":8080/", f":{served.port}/") for text in arguments]

    async def check() -> int:
        return await (await create_subprocess_exec(sys.executable, *command, stderr=DEVNULL)).wait()

    assert await check() == 0
    served.node.gate.draining = True
    assert await check() == 1


def test_the_proxy_knows_the_servers() -> None:
    """Nginx' servers are the chat servers' addresses; those of the present version are not down."""
    file = (DEPLOY / "proxy" / "nginx.conf").read_text()
    servers = re.findall(r"server ([\d.]+):8080 [^;]*?( down)?;", file)
    present = {SERVICES[f"chat-{n}"]["networks"]["front"]["ipv4_address"] for n in (1, 2)}
    following = {SERVICES[f"chat-{n}"]["networks"]["front"]["ipv4_address"] for n in (3, 4)}
    assert {address for address, down in servers if not down} == present
    assert {address for address, down in servers if down} == following
    assert all(SERVICES[f"chat-{n}"]["profiles"] == ["next"] for n in (3, 4))


def test_the_proxy_has_memory_for_every_socket() -> None:
    """It holds the sockets of both servers: what is too little for them would end them all."""
    sockets = sum(
        int(without_defaults(SERVICES[name]["environment"]["WEBSOCKET_MAX_CONNECTIONS"]))
        for name in ("chat-1", "chat-2")
    )
    assert int(SERVICES["proxy"]["mem_limit"].removesuffix("m")) * 1024 >= sockets * PROXY_KIB


def test_only_the_proxy_is_believed() -> None:
    """The servers trust the proxy's own address and no other, not even the network's gateway."""
    proxy = SERVICES["proxy"]["networks"]["front"]["ipv4_address"]
    for name in CHATS:
        assert SERVICES[name]["environment"].get("TRUSTED_PROXIES") in {proxy, None}


def test_the_profile_for_one_node_stands_alone() -> None:
    """`--profile single up single` starts nothing else."""
    assert SERVICES["single"]["profiles"] == ["single"]
    assert SERVICES["single"]["depends_on"] == []


def test_the_profile_for_observing() -> None:
    """`--profile observability` adds what sees: pinned, apart from clients, Grafana in reach."""
    assert set(OBSERVING) == {
        *("collector", "jaeger", "prometheus", "alertmanager", "exporter", "grafana")
    }
    assert COMPOSE["networks"]["observability"] == {"internal": True}
    for name in OBSERVING:
        assert re.search(r":v?\d+\.\d+\.\d+$", SERVICES[name]["image"])
        assert "observability" in SERVICES[name]["networks"]
        assert bool(SERVICES[name].get("ports")) == (name == "grafana")
    for number in (1, 2, 3, 4):
        assert "observability" in SERVICES[f"chat-{number}"]["networks"]
