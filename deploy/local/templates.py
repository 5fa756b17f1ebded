"""The files of deploy/sentinel, filled in as entrypoint.sh does it for a container."""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Final

TEMPLATES: Final = Path(__file__).resolve().parent.parent / "sentinel"


def fill(name: str, values: Mapping[str, object]) -> str:
    """Return a template with its ${NAMES} replaced, its comments gone, its broken lines joined."""
    lines = (TEMPLATES / name).read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")) + "\n"
    return Template(text.replace("\\\n", "")).substitute(values)


def write(path: Path, text: str) -> None:
    """Write a file that holds secrets, readable for its owner alone."""
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
