"""Where the benchmark keeps its sources, what it builds from them, and what it measured."""

from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent

LOAD_SOURCES = BENCH / "load"
BUILD = BENCH / ".build"
GENERATOR = BUILD / "load"
SENDS = BUILD / "sends"

PEERS = BENCH / "peers"
PEER_PYTHON = BENCH / ".venv" / "bin" / "python"
NODE_PEERS = PEERS / "node"
RESULTS = BENCH / "results"
