"""Builds what the benchmark needs: the generator in C, the peers' Python and Node packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.paths import (
    BENCH,
    BUILD,
    GENERATOR,
    LOAD_SOURCES,
    NODE_PEERS,
    PEER_PYTHON,
    PEERS,
    SENDS,
)

C_OPTIONS = ("-std=gnu11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror")
LOCK = BENCH / "requirements.lock"
BUILD_LOCK = BENCH / "requirements-build.lock"
"""What socketify's source distribution is built with: pip checks no hashes of its own choice."""


def compile_c(target: Path, sources: list[Path]) -> None:
    """Compiles a C program with the machine's compiler, unless it is newer than its sources."""
    newest = max(source.stat().st_mtime for source in sources)
    if target.exists() and target.stat().st_mtime >= newest:
        return
    BUILD.mkdir(exist_ok=True)
    programs = [str(source) for source in sources if source.suffix == ".c"]
    subprocess.run(["cc", *C_OPTIONS, "-o", str(target), *programs], check=True)


def build_programs() -> None:
    """Compiles the load generator and the peer that only sends."""
    compile_c(GENERATOR, sorted(LOAD_SOURCES.iterdir()))
    compile_c(SENDS, [PEERS / "sends" / "sends.c"])


def install_python() -> None:
    """Fills the peers' own virtual environment from the lock, hashes required."""
    if not PEER_PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER_PYTHON.parents[1])], check=True)
    pip = [str(PEER_PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes"]
    subprocess.run([*pip, "-r", str(BUILD_LOCK)], check=True)
    subprocess.run([*pip, "--no-build-isolation", "-r", str(LOCK)], check=True)


def install_node() -> None:
    """Installs the Node peers exactly as their lock says."""
    subprocess.run(["npm", "ci", "--silent"], cwd=NODE_PEERS, check=True)


def install() -> None:
    """Everything."""
    build_programs()
    install_python()
    install_node()
