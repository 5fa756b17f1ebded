"""Writes docs/benchmarks.md and its plots from the saved results."""

from __future__ import annotations

from collections.abc import Iterator

from bench import targets
from bench.fit import growth_lines, scaling_lines
from bench.limit import limit_lines
from bench.machine import COMMIT, DATE
from bench.paths import BENCH, ROOT
from bench.peers import all_peers
from bench.results import Sample, Series, load
from bench.spread import spread
from bench.svg import Bar, Group, bars
from bench.table import fact, markdown, table
from bench.workloads import WORKLOADS
from bench.workloads.workload import Column, Options, Workload

PAGE = ROOT / "docs" / "benchmarks.md"
PLOTS = ROOT / "docs" / "benchmarks"

INTRODUCTION = (BENCH / "introduction.md").read_text()
TRIED = (BENCH / "tried.md").read_text()
_EXTRA = {"fanout": limit_lines, "growth": growth_lines, "processes": scaling_lines}


def _titles() -> dict[str, str]:
    return {peer.name: peer.title for peer in all_peers().values()}


def _machine(found: dict[str, Series]) -> str:
    newest = max(found.values(), key=lambda series: series.machine.get(DATE, ""))
    facts = {name: text for name, text in newest.machine.items() if name not in {DATE, COMMIT}}
    return markdown(["", ""], [[name, text] for name, text in facts.items()])


def _made(series: Series) -> str:
    """The command, when it was run, and on which state of Holdfast."""
    date, commit = (series.machine.get(name, "") for name in (DATE, COMMIT))
    return f"`{series.command}`" + f", on {date}" * bool(date) + f" at {commit}" * bool(commit)


def _refusals(samples: list[Sample]) -> list[str]:
    reasons: dict[tuple[str, str], list[str]] = {}
    for sample in samples:
        if sample.refused:
            at = ", ".join(f"{name} {fact(value)}" for name, value in sample.parameters.items())
            reasons.setdefault((sample.peer, at), []).append(sample.refused)
    return [
        f"* {peer}{f' ({at})' if at else ''}: {len(texts)} refused, the last for: {texts[-1]}"
        for (peer, at), texts in reasons.items()
    ]


def _noise(samples: list[Sample]) -> list[str]:
    others = [s.values["others"] for s in samples if "others" in s.values]
    if not others:
        return []
    return [f"\nCores busy with other programs meanwhile: {spread(others):.2f}.\n"]


def _groups(series: Series, column: Column) -> Iterator[Group]:
    titles, reference = _titles(), series.peers()[0]
    for case in series.cases():
        found = {peer: series.pick(peer, column.name, case) for peer in series.peers()}
        shown = [
            Bar(titles.get(peer, peer), spread(list(values.values())), peer == reference)
            for peer, values in found.items()
            if values and min(values.values()) > 0
        ]
        if shown:
            at = ", ".join(f"{name} {fact(value)}" for name, value in case.items())
            yield Group(at, shown)


def _plot(workload: Workload, series: Series) -> str:
    column = next((c for c in workload.columns if c.plotted), None)
    groups = list(_groups(series, column)) if column else []
    if column is None or not groups:
        return ""
    PLOTS.mkdir(parents=True, exist_ok=True)
    (PLOTS / f"{workload.name}.svg").write_text(bars(column.title, groups))
    return f"\n![{workload.name}: {column.title}](benchmarks/{workload.name}.svg)\n"


def _section(workload: Workload, series: Series) -> str:
    extra = _EXTRA.get(workload.name)
    lines = [
        f"## {workload.name}\n\n{workload.about}\n\n{_made(series)}\n",
        table(workload, series, _titles()),
        _plot(workload, series),
        *(extra(series) if extra else []),
        *_noise(series.samples),
        *_refusals(series.samples),
    ]
    return "\n".join(line for line in lines if line) + "\n"


def report() -> None:
    """Writes the page; raises `SystemExit` where nothing was measured yet."""
    found = {name: series for name in WORKLOADS if (series := load(name))}
    if not found:
        raise SystemExit("nothing was measured yet: python -m bench fanout")
    promised = markdown(["promised", "measured", "kept"], list(targets.rows(found)))
    sections = [_section(WORKLOADS[name](Options()), series) for name, series in found.items()]
    head = [INTRODUCTION, _machine(found), "\n## Promised and measured\n", promised, ""]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join([*head, *sections, TRIED]))
    print(PAGE)
