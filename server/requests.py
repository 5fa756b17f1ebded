"""HTTP requests as spans, by opentelemetry-instrumentation-aiohttp-server, around its traps.

Its `instrument()` replaces `aiohttp.web.Application` for the whole process, so it is undone at
once; what it leaves behind is the state that its middleware reads. A WebSocket is no request: as
a span it would be as long as the socket. Probes and scrapes are noise.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from opentelemetry.instrumentation import aiohttp_server
from opentelemetry.trace import TracerProvider, get_current_span

from handlers.answers import TRACE_ID

# Searched for anywhere in the path, so each is anchored: a bare `ws` would be in /api/news.
EXCLUDED: Final = "^/ws(/|$),^/health/,^/metrics$"
_SETTINGS: Final = {
    "OTEL_PYTHON_AIOHTTP_SERVER_EXCLUDED_URLS": EXCLUDED,
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",  # otherwise names of 2021, and milliseconds
}


def trace_requests(provider: TracerProvider) -> list[Middleware]:
    """Return the middlewares that trace requests; outside of the application's own, in this order.

    What a handler raises must have become an answer before it comes here: an exception would
    have no status, and its text would be exported.
    """
    instrumentor: Any = aiohttp_server.AioHttpServerInstrumentor()
    with _environment(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Inheritance.*web.Application", DeprecationWarning)
        instrumentor.instrument(tracer_provider=provider)
        try:
            middleware: Middleware = aiohttp_server.create_aiohttp_middleware(
                tracer_provider=provider
            )
        finally:
            instrumentor.uninstrument()
    return [middleware, name_trace]


@web.middleware
async def name_trace(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the answer and the access log name the trace, when there is one."""
    context = get_current_span().get_span_context()
    if context.is_valid and context.trace_flags.sampled:
        request[TRACE_ID] = f"{context.trace_id:032x}"
    return await handler(request)


@contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    """Set variables for the block: the instrumentation takes these by no other way."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
