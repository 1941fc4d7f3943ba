"""Send traces and metrics to Application Insights: Microsoft's exporter, driven by OpenTelemetry's SDK.

To import it takes half a second, so that is done at the first operation, when an answer has been given already. The
queues are bounded, and what cannot be sent is dropped, not written to disk.
"""

import os
from datetime import datetime
from threading import Lock
from typing import Any, get_args

from azure.identity import ManagedIdentityCredential
from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter, AzureMonitorTraceExporter
from opentelemetry.context import Context
from opentelemetry.metrics import Histogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from shared.domain.telemetry import Measure, Measured, Operation

_OFF = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
)
SEND_S = 10.0
METRICS_EVERY_MS = 15_000
"""A process that is ended loses what it did not send yet, and on Flex Consumption many are."""


class Ids(RandomIdGenerator):
    """Gives a span the ids of its operation: several processes tell of a turn, and must meet in one trace."""

    wanted: Operation
    """Set before each span."""

    def generate_trace_id(self) -> int:
        """Give the turn's trace."""
        return int(self.wanted.trace_id, 16)

    def generate_span_id(self) -> int:
        """Give the operation's own id, or any."""
        named = self.wanted.span_id
        return int(named, 16) if named else super().generate_span_id()


def connect(connection_string: str, *, provider: str, version: str, client_id: str | None) -> "OpenTelemetryRecorder":
    """Configure the exporter; nothing is sent yet.

    Raises:
        ValueError: the connection string cannot be read.
    """
    # No reports of the exporter about itself, and no settings from elsewhere.
    for switch in _OFF:
        os.environ.setdefault(switch, "true")
    how: dict[str, Any] = {
        "connection_string": connection_string,
        "credential": ManagedIdentityCredential(client_id=client_id) if client_id else None,
        "disable_offline_storage": True,
        "timeout": SEND_S,
        "retry_total": 0,
    }
    spans = BatchSpanProcessor(AzureMonitorTraceExporter(**how))
    reader = PeriodicExportingMetricReader(
        AzureMonitorMetricExporter(**how), export_interval_millis=METRICS_EVERY_MS, export_timeout_millis=SEND_S * 1000
    )
    return OpenTelemetryRecorder(spans, reader, provider=provider, version=version)


class OpenTelemetryRecorder:
    """Makes one span of each operation, under the ids that it names, and records what it measured."""

    def __init__(self, spans: SpanProcessor, reader: MetricReader, *, provider: str, version: str) -> None:
        resource = Resource.create({"service.name": "salescoach", "service.version": version})
        self._lock = Lock()
        self._ids = Ids()
        self._tracers = TracerProvider(resource=resource, id_generator=self._ids)
        self._tracers.add_span_processor(spans)
        self._tracer = self._tracers.get_tracer("salescoach", version)
        self._meters = MeterProvider([reader], resource=resource)
        meter = self._meters.get_meter("salescoach", version)
        self._instruments: dict[Measure, Histogram] = {
            name: meter.create_histogram(name, "{token}" if name == "gen_ai.client.token.usage" else "s")
            for name in get_args(Measure)
        }
        self._provider = {"gen_ai.provider.name": provider}

    def record(self, done: Operation) -> None:
        """Record a span that is over, and its values."""
        with self._lock:
            self._ids.wanted = done
            span = self._tracer.start_span(
                done.name,
                context=_below(done),
                kind=SpanKind.CLIENT if done.parent_id else SpanKind.SERVER,
                attributes={**self._provider, **done.attributes},
                start_time=_nanoseconds(done.began),
            )
        if done.error is not None:
            span.set_attribute("error.type", done.error)
            span.set_status(Status(StatusCode.ERROR))
        span.end(_nanoseconds(done.ended))
        for value in done.measured:
            self._record(value)

    def close(self) -> None:
        """Send what waits, for the last time; waits for it."""
        self._tracers.shutdown()
        self._meters.shutdown()

    def _record(self, value: Measured) -> None:
        self._instruments[value.name].record(value.value, {**self._provider, **value.attributes})


def _below(done: Operation) -> Context:
    """Place a span below its parent, which some other process records."""
    if done.parent_id is None:
        return set_span_in_context(INVALID_SPAN)
    parent = SpanContext(
        int(done.trace_id, 16), int(done.parent_id, 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )
    return set_span_in_context(NonRecordingSpan(parent))


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
