"""The operators' port: metrics and health, apart from what clients reach."""

from typing import Final

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector

from handlers import health
from handlers.middlewares import careful_headers, problems
from handlers.node import NODE, Node
from server.exposition import expose
from server.metrics import NodeCollector
from server.spans import SpanCounts

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
    app.router.add_get("/health/ready", health.ready_in_full)
    app.on_response_prepare.append(careful_headers)
    return app


async def metrics(request: web.Request) -> web.Response:
    """Return the metrics, as OpenMetrics with exemplars for who asks for it."""
    body, content_type = expose(request.app[REGISTRY], request.headers.get(hdrs.ACCEPT, ""))
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})
