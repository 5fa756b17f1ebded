"""What the figures were measured on: the processor, the kernel and every version that matters."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from bench.paths import PEER_PYTHON


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
    wanted = {"aiohttp", "channels", "channels-redis", "daphne", "fastapi", "python-socketio"}
    wanted |= {"redis", "socketify", "uvicorn", "uvloop", "websockets"}
    pairs = (line.partition("==") for line in lines)
    return {
        f"{name.lower()} (Python)": version for name, _, version in pairs if name.lower() in wanted
    }


def describe() -> dict[str, str]:
    """Facts for the head of the report."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "node": _output("node", "--version"),
        "redis-server": _output("redis-server", "--version").partition("v=")[2].partition(" ")[0],
        **_packages(),
    }
