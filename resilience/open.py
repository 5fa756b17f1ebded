"""Opening the engine that a URL names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chat.engine import Engine, Listener
from resilience.engine_memory import open_memory
from resilience.engine_redis import open_redis
from resilience.options import EngineOptions


@asynccontextmanager
async def open_engine(
    url: str, listener: Listener, options: EngineOptions
) -> AsyncIterator[Engine]:
    """Open the engine: `memory://` keeps everything in this process, Redis URLs are in url.py.

    Raises `ValueError` for a URL that names none; its text never holds the URL.
    """
    if url.startswith("memory://"):
        async with open_memory(listener, options) as memory:
            yield memory
    else:
        async with open_redis(url, listener, options) as redis:
            yield redis
