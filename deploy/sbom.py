"""A bill of materials of what is deployed: CycloneDX 1.6, from a lock alone.

The same lock gives the same bytes: there is no time and no serial number in it. Run with the
name of the lock; written to stdout. It takes the standard library only.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)[ ]*(?:;[ ]*([^\\]*))?", re.MULTILINE)
HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


def normal(name: str) -> str:
    """Return a name as registries compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def components(lock: str) -> Iterator[dict[str, Any]]:
    """Give each pin: its package URL, its condition, and the digests it may have."""
    pins = list(PIN.finditer(lock))
    ends = [pin.start() for pin in pins[1:]] + [len(lock)]
    for pin, end in zip(pins, ends, strict=True):
        name, version, marker = normal(pin[1]), pin[2], (pin[3] or "").strip()
        digests = HASH.findall(lock[pin.start() : end])
        properties = [{"name": "holdfast:sha256", "value": digest} for digest in digests]
        if marker:
            properties.append({"name": "holdfast:marker", "value": marker})
        yield {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
            "scope": "optional" if marker else "required",
            "properties": properties,
        }


def document(project: dict[str, Any], lock: str) -> dict[str, Any]:
    """Return the bill of a project: what it is made of, and what of it was asked for."""
    parts = sorted(components(lock), key=lambda part: str(part["name"]))
    named = (NAME.match(need) for need in project["dependencies"])
    wanted = {normal(name[0]) for name in named if name}
    itself = f"{project['name']}@{project['version']}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": itself,
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": parts,
        "dependencies": [
            {
                "ref": itself,
                "dependsOn": [part["bom-ref"] for part in parts if part["name"] in wanted],
            }
        ],
    }


def main(lock: str) -> None:
    """Write the bill of the lock to stdout."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    json.dump(document(project, Path(lock).read_text()), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
