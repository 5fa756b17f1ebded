"""The operators' page names every metric, event and alert there is, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.metrics import NodeCollector
from server.spans import SpanCounts
from server.tracing import LATE_PER_MINUTE
from tests.conftest import Serve

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
RULES = yaml.safe_load((ROOT / "deploy" / "observability" / "rules.yml").read_text())
LAYERS = ("chat", "resilience", "handlers", "server")
LEVELS = {"debug", "info", "warning", "error", "critical"}


def section(title: str) -> str:
    """Return the text of a section, up to the next of its kind."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_column(title: str) -> list[str]:
    """Return what stands in code in the first column of a section's tables."""
    return re.findall(r"^\| `([^`]+)` \|", section(title), re.MULTILINE)


def events() -> Iterator[str]:
    """Name every event that the server logs, read from the source."""
    for layer in LAYERS:
        for path in (ROOT / layer).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id="_log"), attr=level),
                        args=[ast.Constant(value=str(name)), *_],
                    ) if level in LEVELS:
                        yield name
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id="_log"), attr="log"),
                        args=[_, ast.Constant(value=str(name)), *_],
                    ):
                        yield name
                    case ast.Call(func=ast.Attribute(value=ast.Name(id="_log"), attr=level)):
                        assert level not in LEVELS, f"{path}: an event without a fixed name"


def test_every_event_is_listed() -> None:
    """The page lists exactly the events of the source, each once, each an identifier."""
    listed = first_column("Events")
    assert sorted(listed) == sorted(set(events()))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in listed)


async def test_every_metric_is_listed(serve: Serve) -> None:
    """The page lists exactly the series of a scrape, by the names that queries use."""
    served = await serve()
    families = NodeCollector(served.node, SpanCounts(1)).collect()
    names = {
        family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
        for family in families
    }
    assert sorted(first_column("Metrics")) == sorted(names)


@pytest.mark.parametrize("path", ["docs/operations.md", ".env.example"])
def test_late_messages_are_traced_within_bounds(path: str) -> None:
    """Nobody is promised a trace of each late message: the bound of a minute is said."""
    text = " ".join((ROOT / path).read_text(encoding="utf-8").replace("# ", "").split())
    assert re.search(rf"[Uu]p to {LATE_PER_MINUTE} (messages )?a minute", text)


def alerts() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_every_alert_has_a_runbook(alert: dict[str, Any]) -> None:
    """Each alert says how urgent it is and points to its own page: meaning, checks, what to do."""
    name = alert["alert"]
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
    runbook = PAGE.partition(f"\n### {name}\n")[2].partition("\n### ")[0].partition("\n## ")[0]
    assert re.findall(r"^\*\*(.+?)\.\*\*", runbook, re.MULTILINE) == ["Means", "Look at", "Do"]


def test_no_runbook_is_of_no_alert() -> None:
    """Each runbook is of an alert that exists."""
    written = re.findall(r"^### (\w+)$", section("Alerts"), re.MULTILINE)
    assert written == [alert["alert"] for alert in alerts()]
