"""The application: the edge in front, an engine behind, life as a list of contexts."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from aiohttp import web

from chat.hub import Hub
from chat.limits import Limits
from chat.session import Timing
from handlers.canary import Canary
from handlers.console import setup_client, setup_console, setup_sign_in
from handlers.keeper import Keeper
from handlers.middlewares import MIDDLEWARES, valid_host
from handlers.node import NODE, Node
from handlers.options import EdgeOptions
from handlers.outbox import Tick
from handlers.peer import wall_ms
from handlers.pulse import Pulse
from handlers.routes import setup_routes
from resilience.open import open_engine
from resilience.options import EngineOptions
from server.jwks import Jwks
from server.requests import trace_requests
from server.settings import UNSAID, Settings
from server.telemetry import TELEMETRY, Telemetry, open_telemetry
from server.tokens import JwtTokens, mint_for_developer
from server.tracing import MessageTracing

PUBLISH_WINDOW_S = 60
_log: Final = logging.getLogger("holdfast.app")


def build_app(settings: Settings, *, dev: bool = False) -> web.Application:
    """Return the application; it opens its storage when it starts, and closes it when it ends."""
    tick = Tick()
    hub = Hub(tick.schedule, tick.later, wall_ms)
    tick.flush_hub = hub.flush
    keys = Jwks(settings.jwt_jwks_url) if settings.jwt_jwks_url else None
    tokens = JwtTokens(
        settings.jwt_secret,
        keys,
        settings.algorithms,
        settings.jwt_audience,
        settings.jwt_issuer,
    )
    name = f"n{secrets.token_hex(4)}"
    telemetry = open_telemetry(settings, name)
    tracers = [] if telemetry is None else trace_requests(telemetry.provider)
    middlewares = [valid_host, *tracers, *MIDDLEWARES]
    app = web.Application(middlewares=middlewares, client_max_size=1 << 16)
    app[NODE] = Node(hub, tick, tokens, edge_options(settings, dev=dev))
    app[SETTINGS], app[NAME] = settings, name
    if telemetry is not None:
        setup_tracing(app, telemetry)
    if dev and settings.shared_algorithm:
        app[NODE].mint = partial(mint_for_developer, settings)
    setup_sign_in(app)
    setup_routes(app, app[NODE])
    setup_client(app)
    if app[NODE].options.console:
        setup_console(app)
    app.on_shutdown.append(_part)
    if keys is not None:
        app[KEYS] = keys
        app.on_cleanup.append(_close_keys)
    app.cleanup_ctx.append(_storage)
    app.cleanup_ctx.append(_routine)
    return app


KEYS = web.AppKey("KEYS", Jwks)
SETTINGS = web.AppKey("SETTINGS", Settings)
NAME = web.AppKey("NAME", str)


def setup_tracing(app: web.Application, telemetry: Telemetry) -> None:
    """Trace messages; what is left is exported when everything else has ended."""
    node = app[NODE]
    node.tracing = MessageTracing(
        telemetry.provider, telemetry.messages.take, app[SETTINGS].trace_ratio
    )
    node.hub.deliveries = node.tracing
    app[TELEMETRY] = telemetry
    app.cleanup_ctx.append(_telemetry)


def edge_options(settings: Settings, *, dev: bool) -> EdgeOptions:
    """Return what the edge needs of the settings."""
    return EdgeOptions(
        limits=Limits(
            dedup_s=settings.dedup_seconds,
            publish=(settings.rate_limit_messages_per_minute, PUBLISH_WINDOW_S),
        ),
        timing=Timing(idle_s=settings.websocket_timeout),
        origins=settings.origins,
        trusted_proxies=settings.proxies,
        connections=settings.websocket_max_connections,
        connections_per_ip=settings.connections_per_ip,
        connections_per_user=settings.websocket_max_connections_per_user,
        unauthenticated_per_ip=settings.websocket_max_unauthenticated_per_ip,
        handshakes_per_minute=settings.websocket_handshakes_per_minute,
        drain_s=settings.drain_seconds,
        hold_s=settings.publish_hold_seconds,
        console=settings.console or dev,
        dev=dev,
    )


def own_origins(port: int) -> frozenset[str]:
    """Return the origins of a development server's own pages, as a browser says them."""
    said = "" if port == UNSAID["http"] else f":{port}"
    return frozenset(f"http://{host}{said}" for host in ("localhost", "127.0.0.1"))


def engine_options(settings: Settings, name: str) -> EngineOptions:
    """Return what the engine needs of the settings."""
    return EngineOptions(
        node=name,
        publish=(settings.rate_limit_messages_per_minute, PUBLISH_WINDOW_S),
        history=settings.room_history,
        dedup_s=settings.dedup_seconds,
        hold_s=settings.publish_hold_seconds,
        ack_replicas=settings.redis_ack_replicas,
        wait_at_start=settings.redis_wait_at_start,
    )


async def _telemetry(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[TELEMETRY].close()


async def _close_keys(app: web.Application) -> None:
    await app[KEYS].close()


async def _part(app: web.Application) -> None:
    await app[NODE].end()


async def _storage(app: web.Application) -> AsyncIterator[None]:
    settings, node = app[SETTINGS], app[NODE]
    url = settings.redis_url.reveal()
    async with open_engine(url, node.hub, engine_options(settings, app[NAME])) as engine:
        node.open(engine)
        yield


async def _routine(app: web.Application) -> AsyncIterator[None]:
    """Do what a node does by itself: look after connections, its loop, its way to the log."""
    node = app[NODE]
    routine = [
        asyncio.create_task(work.run()) for work in (Keeper(node), Pulse(node), Canary(node))
    ]
    for task in routine:
        task.add_done_callback(_died)
    try:
        yield
    finally:
        for task in routine:
            task.cancel()
        await asyncio.gather(*routine, return_exceptions=True)


def _died(task: asyncio.Task[None]) -> None:
    """Nothing of the routine ends by itself: that is a mistake of ours, and is said."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.critical("routine_died", exc_info=error)
