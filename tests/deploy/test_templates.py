"""The deployed files: filled in alike by Python and by the shell, and what they make Redis do."""

import subprocess
from collections.abc import AsyncIterator

import pytest

from deploy.local.cluster import Cluster
from deploy.local.templates import TEMPLATES, fill

NAMES = ("redis.conf", "sentinel.conf", "users.acl", "sentinel-users.acl", "tls.conf")
VALUES = {
    "NODE_HOST": "redis-1",
    "NODE_PORT": "6379",
    "MASTER_HOST": "redis-1",
    "MASTER_PORT": "6379",
    "REPLICA_PASSWORD": "r3pl.ica",
    "SENTINEL_PASSWORD": "s3nt-inel",
    "CHAT_PASSWORD": "ch4t_",
    "MONITOR_PASSWORD": "m0nitor",
    "ADMIN_PASSWORD": "4dmin",
    "CHAT_SENTINEL_RIGHTS": "+sentinel|failover",
    "MAXMEMORY": "1gb",
    "DATA_DIR": "/data",
    "TLS_DIR": "/tls",
}
# What the promise rests on, and what it would cost to be without: the comments of redis.conf.
WANTED = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory-policy": "noeviction",
    "min-replicas-to-write": "1",
    "min-replicas-max-lag": "2",
    "replica-priority": "100",
    "repl-diskless-sync": "yes",
    "repl-diskless-sync-delay": "0",
    "repl-backlog-size": str(64 << 20),
    "save": "",
}


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster() as cluster:
        yield cluster


@pytest.mark.parametrize("name", NAMES)
def test_python_and_the_shell_fill_in_alike(name: str) -> None:
    """templates.py and entrypoint.sh make the same text, with nothing left to fill in."""
    script = (TEMPLATES / "entrypoint.sh").read_text()
    start = script.index("fill() {")
    function = script[start : script.index("\n}\n", start) + len("\n}\n")]
    shell = subprocess.run(
        ["sh", "-euc", f'templates="{TEMPLATES}"\n{function}\nfill {name}'],
        env=VALUES | {"PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert shell.stdout == fill(name, VALUES)
    assert "$" not in shell.stdout


def test_no_template_holds_a_secret() -> None:
    """Each place for a password in the deployed files is a name to be filled in."""
    for path in TEMPLATES.iterdir():
        for line in path.read_text().splitlines():
            if line.startswith(
                ("user ", "masterauth", "sentinel auth-pass", "sentinel sentinel-pass")
            ):
                assert "_PASSWORD}" in line or line.startswith("user default off")


async def test_each_node_is_what_the_promise_needs(cluster: Cluster) -> None:
    """Every node, master or replica, runs with the settings that acknowledged messages rest on."""
    for node in cluster.nodes:
        for name, value in WANTED.items():
            assert (await node.command("CONFIG", "GET", name))[1] == value, (node.name, name)


async def test_sentinels_act_by_the_deployed_settings(cluster: Cluster) -> None:
    """Each sentinel wants two voices, 1.5 s of silence, and turns both replicas at once."""
    for sentinel in cluster.sentinels:
        view = await sentinel.master()
        assert view["quorum"] == "2"
        assert view["down-after-milliseconds"] == "1500"
        assert view["failover-timeout"] == "10000"
        assert view["parallel-syncs"] == "2"


async def test_secrets_are_readable_for_their_owner_alone(cluster: Cluster) -> None:
    """No file with a password, before or after Redis rewrote it, can be read by others."""
    await cluster.nodes[0].command("CONFIG", "REWRITE")
    files = [path for path in cluster.nodes[0].directory.parent.rglob("*") if path.is_file()]
    secret = [path for path in files if path.suffix in {".conf", ".acl"}]
    assert len(secret) == 12
    assert [path.name for path in secret if path.stat().st_mode & 0o077] == []
    assert {path.parent.stat().st_mode & 0o077 for path in secret} == {0}


def test_passwords_do_not_show() -> None:
    """A cluster's passwords are in no `repr`."""
    passwords = Cluster().passwords
    assert passwords.chat not in repr(passwords)
