"""The operators' port: metrics and health, apart from what clients reach."""

from collections.abc import Callable
from typing import Final

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.exposition import ALLOWUTF8

from handlers import health
from handlers.middlewares import careful_headers, problems
from handlers.node import NODE, Node
from server.metrics import NodeCollector
from server.spans import SpanCounts

_REWRITING: Final = ("escaping=dots", "escaping=values")  # double our underscores
REGISTRY: Final = web.AppKey("REGISTRY", CollectorRegistry)


def build_operators_app(node: Node, spans: SpanCounts | None = None) -> web.Application:
    """Return the application behind ADMIN_PORT.

    A port of its own, and one for each process: of several processes behind one port a scraper
    with a kept-alive connection would see a single one and call it all.
    """
    app = web.Application(middlewares=[problems])
    app[NODE] = node
    app[REGISTRY] = CollectorRegistry(auto_describe=False)
    app[REGISTRY].register(NodeCollector(node, spans or SpanCounts(0)))
    ProcessCollector(registry=app[REGISTRY])
    GCCollector(registry=app[REGISTRY])
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/health/live", health.live)
    app.router.add_get("/health/ready", health.ready)
    app.on_response_prepare.append(careful_headers)
    return app


async def metrics(request: web.Request) -> web.Response:
    """Return the metrics, as OpenMetrics with exemplars for who asks for it.

    By the two usual ways to escape names ours stay as they are, so nobody sees which one it was;
    the older one looks at each letter of each name, and made a scrape take twice as long.
    """
    chosen: tuple[Callable[..., bytes], str] = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
    encode, content_type = chosen
    if content_type.endswith(_REWRITING):
        body = encode(request.app[REGISTRY])
    else:
        body = encode(request.app[REGISTRY], escaping=ALLOWUTF8)
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})
