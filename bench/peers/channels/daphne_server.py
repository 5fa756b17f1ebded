"""Runs daphne's command line with this folder on the path."""

# mypy: disable-error-code="import-not-found"
import sys
from pathlib import Path

from daphne.cli import CommandLineInterface

sys.path.insert(0, str(Path(__file__).parent))
CommandLineInterface.entrypoint()
