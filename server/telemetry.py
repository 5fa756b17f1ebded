"""Traces on their way out of the process: providers made from settings, handed in, never global.

Export is by OTLP over HTTP, in a thread of the SDK; the loop never waits for it, and a shutdown
waits for it two seconds at most.
"""

import asyncio
import logging
import threading
from typing import Final

from aiohttp import web
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from server.exporter import MessageSpanExporter
from server.gathering import Gathering
from server.sampling import EdgeSampler
from server.settings import Settings
from server.spans import CountingExporter, CountingProcessor, SpanCounts

EXPORT_S: Final = 2.0
SHUTDOWN_S: Final = 2.0
_TRACES: Final = "v1/traces"


class Telemetry:
    """A tracer provider, what became of its spans, and its end."""

    def __init__(self, provider: TracerProvider, messages: Gathering, counts: SpanCounts) -> None:
        """`messages` takes messages' spans, into the same queue as the provider's."""
        self.provider = provider
        self.messages = messages
        self.counts = counts

    async def close(self) -> None:
        """Export what is left, as long as that takes no more than two seconds.

        `TracerProvider.shutdown()` blocks up to 30 s when nobody answers, so a thread does it
        that does not keep the process alive.
        """
        self.messages.flush()
        thread = threading.Thread(target=self.provider.shutdown, daemon=True, name="spans")
        thread.start()
        await asyncio.to_thread(thread.join, SHUTDOWN_S)


TELEMETRY: Final = web.AppKey("TELEMETRY", Telemetry)


def open_telemetry(settings: Settings, node: str) -> Telemetry | None:
    """Return the telemetry that the settings ask for; None: no spans are exported."""
    endpoint = traces_endpoint(settings)
    if endpoint is None:
        return None
    resource = _resource(settings, node)
    exporter = MessageSpanExporter(
        resource, endpoint=endpoint, headers=settings.otlp_headers, timeout=EXPORT_S
    )
    queue = settings.otel_bsp_max_queue_size
    counts = SpanCounts(queue)
    batches = BatchSpanProcessor(
        CountingExporter(exporter, counts),
        max_queue_size=queue,
        max_export_batch_size=settings.otel_bsp_max_export_batch_size,
    )
    processor = CountingProcessor(batches, counts)
    # Said once by the counting exporter, not with every batch, and without the URL.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
    provider = TracerProvider(
        sampler=EdgeSampler(settings.trace_ratio),
        resource=resource,
        shutdown_on_exit=False,  # it would block the end for 30 s
    )
    provider.add_span_processor(processor)
    return Telemetry(provider, Gathering(processor.take), counts)


def traces_endpoint(settings: Settings) -> str | None:
    """Return the URL that traces are sent to; by the OTLP exporter's specification."""
    if settings.otel_sdk_disabled or settings.otel_traces_exporter == "none":
        return None
    if settings.otel_exporter_otlp_traces_endpoint:
        return settings.otel_exporter_otlp_traces_endpoint
    if settings.otel_exporter_otlp_endpoint:
        return f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}/{_TRACES}"
    return None


def _resource(settings: Settings, node: str) -> Resource:
    """Return who exports; OTEL_RESOURCE_ATTRIBUTES adds to it."""
    return Resource.create({SERVICE_NAME: settings.otel_service_name, SERVICE_INSTANCE_ID: node})
