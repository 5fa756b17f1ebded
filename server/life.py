"""The life of a server process: listen, wait for a signal, drain, end."""

import asyncio
import gc
import logging
import signal
from collections.abc import Callable
from typing import Final

from aiohttp import web

from handlers.listening import EdgeRunner
from handlers.node import NODE, Node
from server.access import AccessLogger
from server.operators import build_operators_app
from server.settings import Settings
from server.telemetry import TELEMETRY

_log: Final = logging.getLogger("holdfast.server")
_POLL_S: Final = 0.05
_AFTER_DISMISSAL_S: Final = 3.0  # for the answers to our close frames
_ANSWERING_S: Final = 1.0  # for who does not take an answer; the storage is closed behind it
_NEW_OBJECTS: Final = 10_000  # between two looks of the collector, half a millisecond each
_BACKLOG: Final = 4096  # a reconnect storm after another node's death


class CannotListen(Exception):
    """A port can't be opened: it is taken, reserved, or of an address this machine has not."""


async def serve(app: web.Application, settings: Settings, announce: Callable[[int], None]) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal cuts the drain short.

    `announce` is told the port once it is open. Raises `CannotListen`.
    """
    runner = EdgeRunner(
        app,
        app[NODE].admits,
        access_log_class=AccessLogger,
        handle_signals=False,
        shutdown_timeout=_ANSWERING_S,
    )
    stop, hurry = asyncio.Event(), asyncio.Event()
    spans = app[TELEMETRY].counts if TELEMETRY in app else None
    operators = EdgeRunner(
        build_operators_app(app[NODE], spans), access_log=None, shutdown_timeout=_ANSWERING_S
    )
    _on_signals(stop, hurry)
    try:
        if not await _set_up(runner, stop):
            return
        await _listen(web.TCPSite(runner, settings.host, settings.port, backlog=_BACKLOG), "")
        await _listen_for_operators(operators, settings)
        port = port_of(runner)
        announce(port)
        _log.info("listening", extra={"host": settings.host, "port": port})
        _forget_imports()
        await stop.wait()
        await drain(app[NODE], hurry)
    finally:
        await operators.cleanup()
        await runner.cleanup()
    _log.info("stopped")


async def _set_up(runner: web.AppRunner, stop: asyncio.Event) -> bool:
    """Open what the application needs; False: told to stop before that was there."""
    setup, stopped = asyncio.create_task(runner.setup()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({setup, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not setup.done():
            return False
        await setup
        return True
    finally:
        setup.cancel()
        stopped.cancel()
        await asyncio.wait({setup, stopped})


def _forget_imports() -> None:
    """Spare the collector what lives as long as the process: modules, types, routes.

    A full collection went through 74,000 such objects, and everybody waited for 45 ms. And it
    looks less often at what is new: after each 700 objects it found only messages on their way.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


async def _listen(site: web.TCPSite, prefix: str) -> None:
    """Open a port; `prefix` is that of the settings which say where."""
    try:
        await site.start()
    except OSError as error:
        raise CannotListen(f"{prefix}HOST, {prefix}PORT: {error.strerror}") from error


async def _listen_for_operators(operators: web.AppRunner, settings: Settings) -> None:
    await operators.setup()
    await _listen(web.TCPSite(operators, settings.admin_host, settings.admin_port), "ADMIN_")
    _log.info("operators_listening", extra={"port": port_of(operators)})


def port_of(runner: web.AppRunner) -> int:
    """Return the port that the first site really listens on."""
    return int(runner.addresses[0][1])


def _on_signals(stop: asyncio.Event, hurry: asyncio.Event) -> None:
    def received() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received)


async def drain(node: Node, hurry: asyncio.Event) -> None:
    """Ask everyone to go, wait until they have or the time is up, then close who is left.

    Who publishes by REST is not asked, but waited for: the answer may be held by a failover.
    """
    node.announce_drain("restart")
    _log.info("draining", extra={"connections": len(node.peers)})
    await _until_empty(node, node.options.drain_s, hurry)
    node.dismiss()
    await _until_empty(node, _AFTER_DISMISSAL_S, hurry)


async def _until_empty(node: Node, seconds: float, hurry: asyncio.Event) -> None:
    deadline = node.now() + seconds
    while node.peers or node.appending:
        if node.now() >= deadline or hurry.is_set():
            return
        await asyncio.sleep(_POLL_S)
