"""Logs: one JSON line per event to stdout, by structlog; in development, lines for people."""

import logging
import sys
import threading
from collections.abc import Iterable, MutableMapping
from types import TracebackType
from typing import Any, Final

import msgspec
import structlog
from opentelemetry.trace import get_current_span

from server.redaction import Redaction

_encoder: Final = msgspec.json.Encoder(enc_hook=str)
_log: Final = logging.getLogger("holdfast.process")


def configure(level: str, *, readable: bool, secrets: Iterable[str] = ()) -> None:
    """Send every log of the process through one handler on stdout, without any of the secrets.

    What Python would print by itself goes there too: warnings, and exceptions nobody caught.
    """
    render: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
        if readable
        else structlog.processors.JSONRenderer(serializer=_serialise)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            _name_trace,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            Redaction(secrets),
            render,
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # a log call that fails prints its arguments to stderr
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread


def _name_trace(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Name the trace of the request that an event is about, if it is traced."""
    context = get_current_span().get_span_context()
    if context.is_valid and context.trace_flags.sampled:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _log.critical("uncaught", exc_info=(kind, error, trace))


def _unraisable(found: "sys.UnraisableHookArgs") -> None:
    _log.error("unraisable", exc_info=found.exc_value)


def _uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    _log.critical("uncaught", exc_info=found.exc_value)


def _serialise(event: Any, **_: Any) -> str:
    return _encoder.encode(event).decode()
