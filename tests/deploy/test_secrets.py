"""make-secrets.sh: what compose mounts, strong, accepted by those who read it, made once."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from resilience.url import parse
from server.settings import load

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder of the secrets, as the script makes it."""
    shutil.copy(DEPLOY / "make-secrets.sh", tmp_path)
    subprocess.run(["sh", tmp_path / "make-secrets.sh"], check=True, capture_output=True)
    return tmp_path / "secrets"


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_it_makes_what_compose_mounts(made: Path) -> None:
    """Each secret that docker-compose.yml names is made, and no other."""
    secrets = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())["secrets"]
    assert {made.parent / secret["file"] for secret in secrets.values()} == set(made.iterdir())


def test_the_server_accepts_them(made: Path) -> None:
    """The server takes its two by file, and its login at Redis is the chat's password."""
    load({f"{name.upper()}_FILE": str(made / name) for name in ("jwt_secret", "redis_url")})
    target = parse((made / "redis_url").read_text())
    assert target.credentials.password == (made / "chat_password").read_text()
    assert target.master_name == "mymaster"
    assert [address.host for address in target.addresses] == [f"sentinel-{n}" for n in (1, 2, 3)]


def test_they_are_different_and_for_nobody_else(made: Path) -> None:
    """Each is random by itself, 36 bytes of it, in a folder that only its owner may enter."""
    made_of_others = {"redis_url", "monitor_passwords.json"}
    random = [text for name, text in contents(made).items() if name not in made_of_others]
    assert len(set(random)) == len(random) == 7
    assert all(len(text) == 48 for text in random)
    assert made.stat().st_mode & 0o777 == 0o700


def run_again(made: Path) -> str:
    """Run the script once more, and return what it warns of."""
    command = ["sh", str(made.parent / "make-secrets.sh")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def test_a_second_run_changes_nothing(made: Path) -> None:
    """Run again it keeps what is there, so that a running deployment goes on."""
    before = contents(made)
    assert run_again(made) == ""
    assert contents(made) == before


def test_what_was_edited_stays(made: Path) -> None:
    """A URL and an exporter's passwords for other hosts are kept like any secret."""
    for name in ("redis_url", "monitor_passwords.json"):
        file = made / name
        file.write_text(file.read_text().replace("sentinel-1", "sentinel.example"))
    before = contents(made)
    assert run_again(made) == ""
    assert contents(made) == before


def test_a_renewed_password_is_told_where_the_old_one_stays(made: Path) -> None:
    """Who removes a password and not what holds it is told; who removes both gets a new pair."""
    old = contents(made)
    (made / "chat_password").unlink()
    assert "redis_url" in run_again(made)
    assert (made / "redis_url").read_text() == old["redis_url"]
    (made / "redis_url").unlink()
    assert run_again(made) == ""
    new = contents(made)
    assert new["chat_password"] != old["chat_password"]
    assert new["chat_password"] in new["redis_url"]
