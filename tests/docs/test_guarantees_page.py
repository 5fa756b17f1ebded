"""The page of guarantees shows what was measured, all of it, and names what is there."""

import re
from pathlib import Path

import pytest

from tests.drills.catalogue import CATALOGUE
from tests.drills.results import latest, table, written
from tests.drills.run import SEEDS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guarantees.md"
RESULTS = ROOT / "docs" / "guarantees" / "drills.jsonl"
LINKS = sorted(set(re.findall(r"\]\(([^)#]+)\)", PAGE.read_text("utf-8"))))


def test_the_table_is_that_of_the_results() -> None:
    """Nobody has typed into the table."""
    page = PAGE.read_text("utf-8")
    assert written(page, table(latest(RESULTS))) == page


def test_no_row_is_left_out() -> None:
    """Every drill is there with every seed, proved and passed."""
    results = latest(RESULTS)
    assert {(one.drill, one.seed) for one in results} == {
        (name, seed) for name in CATALOGUE for seed in SEEDS
    }
    assert [one for one in results if not one.passed or one.proved < one.faults] == []


@pytest.mark.parametrize("link", LINKS)
def test_every_link_leads_somewhere(link: str) -> None:
    """A file or folder that the page links is there."""
    assert (PAGE.parent / link).exists()
