"""Logs: one JSON line per event to stdout, by structlog; in development, lines for people."""

import logging
import sys
from typing import Any, Final

import msgspec
import structlog

_encoder: Final = msgspec.json.Encoder(enc_hook=str)


def configure(level: str, *, readable: bool) -> None:
    """Send every log of the process through one handler on stdout."""
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
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            render,
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _serialise(event: Any, **_: Any) -> str:
    return _encoder.encode(event).decode()
