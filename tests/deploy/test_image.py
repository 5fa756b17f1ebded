"""The Dockerfile: by its text, and its steps carried out here without a container engine."""

import json
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy" / "Dockerfile").read_text()
STEPS = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
LAST = STEPS[max(i for i, step in enumerate(STEPS) if step.startswith("FROM ")) :]
COPIED = [step.split()[1].rstrip("/") for step in LAST if re.match(r"COPY (?!--from)", step)]
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "REDIS_URL": "memory://", "JWT_SECRET": "0123456789" * 4}


def test_packages_are_installed_by_hash() -> None:
    """The only installation takes the runtime lock, by hash, and builds nothing."""
    installs = [step for step in STEPS if "pip install" in step]
    assert len(installs) == 1
    assert "--require-hashes --only-binary :all: -r requirements.lock" in installs[0]
    assert installs[0] not in LAST


def test_the_image_has_no_build_tools() -> None:
    """The last stage is a slim one, installs nothing, and has lost pip from both places."""
    assert re.fullmatch(r"FROM python:3\.\d+-slim", LAST[0])
    assert not re.search(r"apt-get|apk |pip install|gcc|curl", "\n".join(LAST))
    assert any("pip uninstall --yes" in step for step in LAST)
    assert any("/venv/bin/pip uninstall --yes pip" in step for step in STEPS)


def test_it_runs_as_nobody_in_particular() -> None:
    """The user is a number, not root's, and comes after every step that writes."""
    (user,) = [i for i, step in enumerate(LAST) if step.startswith("USER ")]
    assert LAST[user] == "USER 10001:10001"
    assert not [step for step in LAST[user:] if step.startswith(("RUN", "COPY", "ADD"))]


def test_it_says_what_it_is() -> None:
    """It carries the labels of the OCI image specification, and ends by the server's signal."""
    labels = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", "\n".join(LAST)))
    assert labels >= {"title", "description", "licenses", "version", "revision"}
    assert "STOPSIGNAL SIGTERM" in LAST
    (entry,) = [step for step in LAST if step.startswith("ENTRYPOINT ")]
    assert json.loads(entry.removeprefix("ENTRYPOINT ")) == ["python", "-m", "server"]


def test_only_what_is_copied_is_sent_to_the_build() -> None:
    """The build sees the files it copies and nothing else: no secrets, no history, no tests."""
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert ignored[0] == "*"
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    assert allowed == {*COPIED, "requirements.lock"}


def test_what_is_copied_is_enough_to_start(tmp_path: Path) -> None:
    """With the copied folders alone the server reads its settings, and can be imported whole."""
    for folder in COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    for arguments in (("-m", "server", "check"), ("-c", "import server.__main__")):
        ran = subprocess.run(
            (sys.executable, *arguments),
            cwd=tmp_path,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr


@pytest.mark.drill
@pytest.mark.timeout(180)
def test_the_lock_is_enough_to_run(tmp_path: Path) -> None:
    """In an environment made by the build's own steps, rid of pip, the server starts."""
    (build,) = [step for step in STEPS if "pip install" in step]
    venv.create(tmp_path / "venv", with_pip=True, symlinks=False)
    for command in build.removeprefix("RUN ").split("&&")[1:]:
        words = command.replace("/venv/", f"{tmp_path}/venv/").split()
        subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run((python, "-m", "server", "check"), cwd=ROOT, env=ENVIRONMENT, check=True)
    assert not list((tmp_path / "venv").rglob("site-packages/pip"))
