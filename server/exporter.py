"""Export by OTLP over HTTP, of the SDK's spans by its encoder and of messages' spans by ours."""

from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from server.message_spans import MessageSpan
from server.otlp import envelope

_REDIRECT: Final = 300


class MessageSpanExporter(OTLPSpanExporter):
    """The SDK's exporter with all its variables, and its way to send what is encoded."""

    def __init__(
        self, resource: Resource, *, endpoint: str, headers: Mapping[str, str], timeout: float
    ) -> None:
        super().__init__(endpoint=endpoint, headers=headers, timeout=timeout)
        self._envelope = envelope(resource)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export a batch, in the exporting thread."""
        sent = self._client.export(self.encode(spans).SerializeToString())
        # The client takes a redirect for a success, and does not follow it.
        taken = sent.success and (sent.status_code or 0) < _REDIRECT
        return SpanExportResult.SUCCESS if taken else SpanExportResult.FAILURE

    def encode(self, spans: Sequence[ReadableSpan]) -> ExportTraceServiceRequest:
        """Return what is sent of a batch."""
        request = encode_spans([span for span in spans if not isinstance(span, MessageSpan)])
        ours = [span for span in spans if isinstance(span, MessageSpan)]
        if ours:
            sent = request.resource_spans.add()
            sent.CopyFrom(self._envelope)
            for span in ours:
                span.encode(sent.scope_spans[0].spans.add())
        return request
