"""Keeps what was measured: one JSON file a workload, one sample a run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.machine import describe
from bench.paths import RESULTS


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one peer: which repetition, under what parameters, with which values."""

    peer: str
    repetition: int
    parameters: dict[str, Any]
    values: dict[str, float]
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """All samples of one workload with the command and the machine that made them."""

    workload: str
    command: str
    samples: list[Sample]
    machine: dict[str, str] = field(default_factory=describe)

    def pick(self, peer: str, name: str, parameters: dict[str, Any]) -> dict[int, float]:
        """One value by repetition, under the given parameters; refused runs are left out."""
        return {
            s.repetition: s.values[name]
            for s in self.samples
            if s.peer == peer
            and not s.refused
            and parameters.items() <= s.parameters.items()
            and name in s.values
        }

    def runs(self, peer: str, parameters: dict[str, Any]) -> int:
        """How often a peer was run under the given parameters, refused runs included."""
        return sum(
            s.peer == peer and parameters.items() <= s.parameters.items() for s in self.samples
        )

    def cases(self) -> list[dict[str, Any]]:
        """Under which parameters there were runs, in the order of the first ones."""
        cases = {tuple(sample.parameters.items()): sample.parameters for sample in self.samples}
        return list(cases.values())

    def peers(self) -> list[str]:
        """The peers in the order they were first measured in."""
        return list(dict.fromkeys(s.peer for s in self.samples))

    def save(self) -> None:
        """Writes `bench/results/<workload>.json`."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.workload}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def load(workload: str) -> Series | None:
    """The series saved last for a workload, or None."""
    path = RESULTS / f"{workload}.json"
    if not path.exists():
        return None
    raw = json.loads(path.read_text())
    samples = [Sample(**sample) for sample in raw.pop("samples")]
    return Series(samples=samples, **raw)


def paired(
    series: Series, peer: str, reference: str, name: str, parameters: dict[str, Any]
) -> tuple[list[float], list[float]]:
    """Both peers' values of the repetitions in which neither was refused."""
    return matched(series.pick(peer, name, parameters), series.pick(reference, name, parameters))


def matched(ours: dict[int, float], theirs: dict[int, float]) -> tuple[list[float], list[float]]:
    """The values of the repetitions that both have."""
    both = sorted(ours.keys() & theirs.keys())
    return [ours[i] for i in both], [theirs[i] for i in both]
