"""The simulation catches a broken server, each of five by its own anomaly, and soon."""

import pytest

from tests.simulation.broken import ANOMALIES, VARIANTS, broken
from tests.simulation.run import simulate

WITHIN = 120  # seeds; each variant is caught by more than one in ten of them


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_a_broken_server_is_caught(name: str) -> None:
    """Within so many seeds one FAILs by the anomaly that this variant must lead to."""
    for seed in range(WITHIN):
        with broken(name):
            outcome = simulate(seed)
        if outcome.verdict == "FAIL" and outcome.report.names & ANOMALIES[name]:
            return
    pytest.fail(f"{name} got through {WITHIN} schedules")
