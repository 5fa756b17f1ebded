"""In which order the cases are measured, and on which servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bench.generator import Refused
from bench.peers import chosen_peers
from bench.peers.contract import Launch, Peer
from bench.serving import Served
from bench.topology import Topology
from bench.workloads import interleave
from bench.workloads.workload import Case, Setting, Workload

PEERS = chosen_peers("holdfast,plain")


class Emptied(Topology):
    """A Redis that there is no need of."""

    def empty(self) -> None:
        """Nothing to remove."""


class Stage:
    """Counts the servers that are started, and refuses what it is told to."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.refusing = 0

    @contextmanager
    def serving(self, peer: Peer, _: Launch, __: int) -> Iterator[Served]:
        """Start a server."""
        self.started.append(peer.name)
        yield Served((), ())

    def measure(self, _: Setting) -> dict[str, float]:
        """Measure on it, or refuse to."""
        if self.refusing:
            self.refusing -= 1
            raise Refused("noise")
        return {"cpu_us": 1.0}

    def workload(self, *many: int) -> Workload:
        """Return one with a case for each."""
        cases = tuple(Case({"in flight": k}, self.measure) for k in many)
        return Workload("fanout", "", ("holdfast", "plain"), cases, ())


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Servers that are only counted."""
    staged = Stage()
    monkeypatch.setattr(interleave, "serving", staged.serving)
    return staged


def taken(stage: Stage, *many: int, runs: int = 1) -> list[tuple[str, Any, str]]:
    """Return who was measured in which case, in order, and why it was refused."""
    redis = Emptied((1,), (1,), "")
    samples = interleave.interleaved(stage.workload(*many), PEERS, runs, redis)
    return [(s.peer, s.parameters["in flight"], s.refused) for s in samples]


def test_the_peers_take_turns_in_each_case_and_each_begins_once(stage: Stage) -> None:
    """What a ratio is taken of was measured side by side, each time on new servers."""
    order = [(peer, case) for peer, case, _ in taken(stage, 1, 8, runs=2)]
    one = [("holdfast", 1), ("plain", 1), ("holdfast", 8), ("plain", 8)]
    two = [("plain", 1), ("holdfast", 1), ("plain", 8), ("holdfast", 8)]
    assert order == [*one, *two]
    assert stage.started == [peer for peer, _ in order]


@pytest.mark.parametrize(("refusals", "said"), [(1, ""), (2, "noise")])
def test_what_is_refused_is_tried_once_more_on_new_servers(
    stage: Stage, refusals: int, said: str
) -> None:
    """A server that has been measured once is not as it was."""
    stage.refusing = refusals
    assert taken(stage, 8) == [("holdfast", 8, said), ("plain", 8, "")]
    assert stage.started == ["holdfast", "holdfast", "plain"]
