"""Traces of executions for the person's own collector, and for nobody else: only with `OTEL_EXPORTER_OTLP_ENDPOINT`.

The server sends them, since it knows everything that runners report. The library is loaded only then.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from stigmer_tui import __version__
from stigmer_tui.core import settings
from stigmer_tui.core.trace_context import captures_content, collector
from stigmer_tui.server.background import Background
from stigmer_tui.server.execution_state import AnyExecution
from stigmer_tui.server.execution_store import ExecutionStore
from stigmer_tui.server.executions import Executions, LiveExecution
from stigmer_tui.server.leases import assigned_name
from stigmer_tui.server.spans import Origin, Span, span_that_started, spans_of

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

logger = logging.getLogger(__name__)

QUEUE = 65_536
"""Spans that wait for the collector; more are dropped."""

FLUSH_LIMIT = 2.0
"""Seconds that the end of the server waits for the collector."""


class Telemetry:
    def __init__(
        self,
        executions: Executions,
        background: Background,
        exporter: SpanExporter,
        address: str,
        with_content: bool,
    ) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._executions = executions
        self._background = background
        self._sending: set[asyncio.Task[None]] = set()
        self._with_content = with_content
        service = {"service.name": "stigmer-tui", "service.version": __version__}
        # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes after it, and wins.
        self._resource = Resource(service).merge(Resource.create())
        self._processor: BatchSpanProcessor = BatchSpanProcessor(reporting(exporter, address), max_queue_size=QUEUE)

    def send(self, live: LiveExecution) -> None:
        """Queues the spans of an execution that has ended, in the background; nothing waits for the collector."""
        task = self._background.spawn(self._send(live))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, live: LiveExecution) -> None:
        execution, origin = live.state.execution, self._origin(live)
        await asyncio.to_thread(self._queue, execution, origin)

    async def close(self) -> None:
        """Sends what waits, but does not wait long for the collector."""
        if self._sending:
            await asyncio.wait(self._sending)
        # No thread of the loop's pool: the end of the process would wait for these.
        closing = threading.Thread(target=self._processor.shutdown, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, FLUSH_LIMIT)

    def _queue(self, execution: AnyExecution, origin: Origin) -> None:
        for span in spans_of(execution, origin, self._with_content):
            self._processor.on_end(readable(span, self._resource))

    def _origin(self, live: LiveExecution) -> Origin:
        store = self._executions.store
        name = assigned_name(store.assignment(live.id))
        parent = store.parent(live.id)
        if not parent:
            return Origin(live.id, name)
        started_by = span_that_started(self._executions.open(parent).state.execution, live.id)
        return Origin(_root(store, parent), name, started_by)


def open_telemetry(executions: Executions, background: Background, environment: Mapping[str, str]) -> Telemetry | None:
    """None where nobody asks for traces, or where they cannot be sent, which the log then says."""
    address = collector(environment)
    if not address:
        return None
    protocol = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    if protocol != "http/protobuf":
        logger.warning(
            "no traces are sent: OTEL_EXPORTER_OTLP_PROTOCOL is %s, and only http/protobuf is known", protocol
        )
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        logger.warning(
            "no traces are sent: %s is set, but the extra is not installed; pip install 'stigmer-tui[otel]'",
            settings.OTLP_ENDPOINT.variable,
        )
        return None
    # It says the same at each attempt; what a person has to know is said here.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    endpoint = f"{address.rstrip('/')}/v1/traces"
    logger.info("traces of executions are sent to %s", address)
    exporter = OTLPSpanExporter(endpoint=endpoint)
    return Telemetry(executions, background, exporter, address, captures_content(environment))


def readable(span: Span, resource: Resource) -> ReadableSpan:
    """As the library wants it."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
    from opentelemetry.trace.status import Status, StatusCode

    def context(span_id: int) -> SpanContext:
        return SpanContext(span.trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))

    has_failed = bool(span.error_type)
    return ReadableSpan(
        name=span.name,
        context=context(span.span_id),
        parent=context(span.parent_id) if span.parent_id else None,
        resource=resource,
        attributes=span.attributes | ({"error.type": span.error_type} if has_failed else {}),
        kind=SpanKind.CLIENT if span.is_client else SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR, span.error or None) if has_failed else Status(StatusCode.UNSET),
        start_time=_nanoseconds(span.started_at),
        end_time=_nanoseconds(span.ended_at),
        instrumentation_scope=InstrumentationScope("stigmer-tui", __version__),
    )


def reporting(exporter: SpanExporter, address: str) -> SpanExporter:
    """The exporter, with one line in the log when its collector fails, and one when it answers again."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class ReportingExporter(SpanExporter):
        is_failing = False

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = exporter.export(spans)
            has_failed = result is not SpanExportResult.SUCCESS
            if has_failed and not self.is_failing:
                logger.warning("the collector at %s takes no traces, which are dropped until it does", address)
            elif self.is_failing and not has_failed:
                logger.info("the collector at %s takes traces again", address)
            self.is_failing = has_failed
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

    return ReportingExporter()


def _root(store: ExecutionStore, execution_id: str) -> str:
    while parent := store.parent(execution_id):
        execution_id = parent
    return execution_id


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000) * 1_000_000
