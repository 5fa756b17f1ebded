"""What all spans of a kind say, by the messaging conventions (OpenTelemetry v1.44).

No room, user, address or text: `messaging.destination.template` is the same for all rooms.
"""

from collections.abc import Mapping
from typing import Final

from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from server.otlp import template

ROOM: Final = "room:{room}"
_COMMON: Final[Mapping[str, AttributeValue]] = {
    "messaging.system": "redis",
    "messaging.destination.template": ROOM,
}
PUBLISH: Final = {
    **_COMMON,
    "messaging.operation.name": "publish",
    "messaging.operation.type": "send",
}
PROCESS: Final = {
    **_COMMON,
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
}
COMMIT: Final[Mapping[str, AttributeValue]] = {
    "db.system.name": "redis",
    "db.operation.name": "PIPELINE EVALSHA",
}
ID: Final = "messaging.message.id"
PUBLISH_SPAN: Final = template(f"publish {ROOM}", SpanKind.PRODUCER, PUBLISH)
PROCESS_SPAN: Final = template(f"process {ROOM}", SpanKind.CONSUMER, PROCESS)
COMMIT_SPAN: Final = template("PIPELINE EVALSHA", SpanKind.CLIENT, COMMIT)
