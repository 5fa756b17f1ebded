"""Which cases of a workload are measured on the same servers."""

from bench.workloads.growth import processes
from bench.workloads.idle import idle
from bench.workloads.interleave import sharing
from bench.workloads.workload import Options


def test_cases_of_as_many_processes_share_them() -> None:
    """New servers are started only when another number of them is asked for."""
    shared = [many for many, _ in sharing(processes(Options()))]
    assert shared == sorted(set(shared))


def test_memory_is_measured_on_servers_of_its_own() -> None:
    """What a thousand connections left in memory is not there for the next ten thousand."""
    shared = [cases for _, cases in sharing(idle(Options(connections=(1000, 10000))))]
    assert [[case.parameters["connections"] for case in cases] for cases in shared] == [
        [1000],
        [10000],
    ]
