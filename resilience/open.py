"""Opening the engine that a URL names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chat.engine import Engine, Listener
from resilience.engine_memory import open_memory
from resilience.options import EngineOptions


@asynccontextmanager
async def open_engine(
    url: str, listener: Listener, options: EngineOptions
) -> AsyncIterator[Engine]:
    """Open the engine: `memory://` keeps everything in this process.

    Raises `ValueError` for a URL of no known scheme; its text never holds the URL.
    """
    if not url.startswith("memory://"):
        raise ValueError("no engine for this scheme")
    async with open_memory(listener, options) as engine:
        yield engine
