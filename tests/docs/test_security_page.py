"""docs/security.md is true: every row names a test that exists, every default is the server's."""

import ast
import re
from pathlib import Path

import pytest

from server.settings import load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and "---" not in line and not line.startswith("| attack |")
]
ENOUGH = {"REDIS_URL": "memory://", "JWT_SECRET": "0123456789abcdef-0123456789abcdef-x"}


def names_in(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_the_table_is_whole() -> None:
    """There are rows, each with an attack, a request, an answer, a default and a test."""
    assert len(ROWS) > 40
    assert [row for row in ROWS if len(row) != 5 or not all(row)] == []


@pytest.mark.parametrize("place", sorted(set(re.findall(r"`(tests/\S+::\w+)`", PAGE))))
def test_every_named_test_is_there(place: str) -> None:
    """A test that the page names is a test of that file."""
    path, _, name = place.partition("::")
    assert name in names_in(ROOT / path)


def test_every_row_is_tested() -> None:
    """No row is without a test."""
    assert [row[0] for row in ROWS if not re.fullmatch(r"`tests/\S+::test_\w+`", row[4])] == []


def test_the_defaults_are_the_server_s() -> None:
    """A default that the page gives for a variable is the one that the settings have."""
    said = re.findall(r"`([A-Z_]+)` = ([\d,]+)", PAGE)
    settings = load(ENOUGH)
    assert len(said) > 5
    for variable, value in said:
        assert getattr(settings, variable.lower()) == int(value.replace(",", "")), variable
