"""Runs daphne's command line with this folder on the path."""

import sys
from pathlib import Path

from daphne.cli import CommandLineInterface

sys.path.insert(0, str(Path(__file__).parent))
CommandLineInterface.entrypoint()
