"""Runs the load generator on a plan and reads its figures, refusing those it itself has limited."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.paths import GENERATOR
from bench.plan import Plan

SHARE_LIMIT = 0.9
"""Above this share of a core the generator may be what is measured, not the server."""


class Refused(Exception):
    """A run whose figures would not be about the server, with the reason."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run measured; times in nanoseconds, sizes in bytes."""

    raw: dict[str, Any]

    @property
    def seconds(self) -> float:
        """Length of the measured window."""
        return float(self.raw["wall_ns"]) / 1e9

    @property
    def generator_share(self) -> float:
        """The generator's own CPU time in the window, as a share of one core."""
        return float(self.raw["own_cpu_ns"]) / float(self.raw["wall_ns"])

    @property
    def opening_share(self) -> float:
        """The generator's own CPU time while connections were opened, as a share of one core."""
        return float(self.raw["own_cpu_open_ns"]) / float(self.raw["open_ns"])

    @property
    def waiting_share(self) -> float:
        """The part of the window in which the generator was ready to run and had no core."""
        return float(self.raw["own_wait_ns"]) / float(self.raw["wall_ns"])

    @property
    def others(self) -> float:
        """Cores that were busy with neither the generator nor what is probed: noise."""
        known = self.raw["own_cpu_ns"] + sum(p["cpu_ns"] for p in self.raw["probes"])
        return max(float(self.raw["machine_busy_ns"] - known), 0.0) / float(self.raw["wall_ns"])

    def cpu(self, label: str, phase: str = "cpu_ns") -> float:
        """CPU seconds that the processes under a label used in the window, or while opening."""
        return float(sum(p[phase] for p in self.raw["probes"] if p["label"] == label)) / 1e9

    def rss(self, label: str, moment: str) -> int:
        """Resident bytes of the processes under a label at `start`, `open` or `end`."""
        return sum(p[f"rss_{moment}"] for p in self.raw["probes"] if p["label"] == label)

    def count(self, name: str) -> int:
        """A counter of the generator's, such as published, delivered, acked, gaps or repeats."""
        return int(self.raw[name])

    def percentile(self, histogram: str, rank: str) -> float:
        """A percentile in seconds; `rank` is one of p50 p75 p90 p95 p99 p99.9 p99.99 max."""
        return float(self.raw[histogram][rank]) / 1e9

    @staticmethod
    def refuse_if_busy(share: float) -> None:
        """Raises `Refused` if the generator needed so much of a core that it was the limit."""
        if share > SHARE_LIMIT:
            raise Refused(f"the generator used {share:.0%} of a core")

    def refuse_if_doubtful(self) -> None:
        """Raises `Refused` if the generator was the limit, or a message is missing or doubled."""
        self.refuse_if_busy(self.generator_share)
        for name in ("gaps", "repeats", "lost_connections", "outstanding"):
            if self.count(name):
                raise Refused(f"{self.count(name)} {name.replace('_', ' ')}")


def start(plan: Plan, folder: Path) -> subprocess.Popen[str]:
    """Starts the generator on the plan; its last line on stdout is the figures."""
    path = folder / "plan"
    path.write_text(plan.text())
    pipe = subprocess.PIPE
    return subprocess.Popen([str(GENERATOR), str(path)], stdout=pipe, stderr=pipe, text=True)


def finish(process: subprocess.Popen[str], deadline: float) -> Figures:
    """Waits for the generator's end; an end by an error raises `Refused`."""
    try:
        output, errors = process.communicate(timeout=deadline)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise Refused(f"the generator did not end within {deadline:.0f} s") from None
    if process.returncode:
        raise Refused(errors.strip().splitlines()[0] if errors else "the generator died")
    return Figures(json.loads(output.splitlines()[-1]))


def run(plan: Plan) -> Figures:
    """Runs the plan to its end; raises `Refused` rather than give doubtful figures."""
    traffic = plan.traffic
    with tempfile.TemporaryDirectory() as folder:
        deadline = 2 * traffic.patience + traffic.warmup + max(traffic.seconds, traffic.longest)
        figures = finish(start(plan, Path(folder)), deadline)
    figures.refuse_if_doubtful()
    return figures
