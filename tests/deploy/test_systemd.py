"""The unit: systemd takes it, its variables are settings, and it has time for the drain."""

import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
import yaml

from server.__main__ import BAD_SETTINGS
from server.environment import is_secret, variable
from server.settings import Settings

FILE = Path(__file__).parents[2] / "deploy" / "systemd" / "holdfast.service"
UNIT = FILE.read_text()
AFTER_DRAIN_S = 10
HARDENING = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "CapabilityBoundingSet": "",
    "SystemCallFilter": "@system-service",
}


def value(key: str) -> str:
    (found,) = re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)
    return str(found)


def test_it_is_hardened() -> None:
    """The server runs as a user of its own, with nothing to gain and nowhere to write."""
    assert value("User") not in {"", "root"}
    assert {key: value(key) for key in HARDENING} == HARDENING


def test_its_variables_are_settings() -> None:
    """Each variable names a secret by file, and that file is a credential that is loaded."""
    secret = {
        f"{variable(field.name)}_FILE"
        for field in msgspec.structs.fields(Settings)
        if is_secret(field)
    }
    given = dict(pair.split("=", 1) for pair in value("Environment").split())
    assert given.keys() <= secret
    loaded = set(re.findall(r"^LoadCredential=(\w+):", UNIT, re.MULTILINE))
    assert {path.removeprefix("%d/") for path in given.values()} == loaded


def test_it_may_open_a_file_for_each_connection() -> None:
    """Compose, which says how many a server takes, allows as many files as the unit."""
    compose = yaml.safe_load((FILE.parents[1] / "docker-compose.yml").read_text())
    assert int(value("LimitNOFILE")) == compose["services"]["chat-1"]["ulimits"]["nofile"]


def test_it_ends_and_comes_back_as_it_should() -> None:
    """It has time for the drain; all but bad settings, which the server tells, is tried again."""
    assert int(value("TimeoutStopSec")) >= Settings().drain_seconds + AFTER_DRAIN_S
    assert value("Restart") == "on-failure"
    assert int(value("RestartPreventExitStatus")) == BAD_SETTINGS
    assert int(value("StartLimitIntervalSec")) == 0
    assert UNIT.index("StartLimitIntervalSec=") < UNIT.index("[Service]")
    assert int(value("RestartSec")) > 0
    # Of the main process alone: systemd would start again after a step before it had ended so.
    assert "ExecStartPre" not in UNIT
    assert value("ExecStart").endswith("/python -m server")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_it(tmp_path: Path) -> None:
    """Systemd itself finds nothing wrong with it, once the program it starts is there."""
    unit = tmp_path / FILE.name
    unit.write_text(UNIT.replace("/opt/holdfast/.venv/bin/python -m server", "/bin/true"))
    checked = subprocess.run(
        ("systemd-analyze", "verify", unit), capture_output=True, text=True, check=False
    )
    complaints = [line for line in checked.stderr.splitlines() if FILE.name in line]
    assert complaints == []
