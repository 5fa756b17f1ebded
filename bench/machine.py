"""What the figures were measured on: the processor, the kernel and every version that matters."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from bench.paths import NODE_PEERS, PEER_PYTHON, ROOT

DATE = "measured on"
COMMIT = "Holdfast"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _packages() -> dict[str, str]:
    lines = _output(str(PEER_PYTHON), "-m", "pip", "list", "--format=freeze").splitlines()
    wanted = {"aiohttp", "channels", "channels-redis", "daphne", "django", "fastapi", "hiredis"}
    wanted |= {"python-socketio", "redis", "socketify", "uvicorn", "uvloop", "websockets"}
    pairs = (line.partition("==") for line in lines)
    named = {name.lower().replace("_", "-"): version for name, _, version in pairs}
    return {f"{name} (Python)": named[name] for name in sorted(wanted & named.keys())}


def _node_packages() -> dict[str, str]:
    wanted = json.loads((NODE_PEERS / "package.json").read_text())["dependencies"]
    found = {name: NODE_PEERS / "node_modules" / name / "package.json" for name in wanted}
    return {
        f"{name} (Node)": json.loads(path.read_text())["version"]
        for name, path in found.items()
        if path.exists()
    }


def _commit() -> str:
    """The commit that is measured; the results themselves and their page are no change of it."""
    git = ("git", "-C", str(ROOT))
    changes = _output(*git, "status", "--porcelain", "--", ".", ":!bench/results", ":!docs")
    commit = _output(*git, "rev-parse", "--short", "HEAD")
    return commit + " with changes" * bool(commit and changes)


def describe() -> dict[str, str]:
    """Facts for the head of the report."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "node": _output("node", "--version"),
        "redis-server": _output("redis-server", "--version").partition("v=")[2].partition(" ")[0],
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        **_packages(),
        **_node_packages(),
        DATE: datetime.now(UTC).date().isoformat(),
        COMMIT: _commit(),
    }
