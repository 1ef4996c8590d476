"""A collector that keeps the spans it is sent."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.http_server import Request, Response, serving


class Collector:
    def __init__(self) -> None:
        self.address = ""
        self.paths: list[str] = []
        self.text = ""
        self.spans: list[Span] = []

    def span(self, name: str) -> Span:
        (found,) = (span for span in self.spans if span.name == name)
        return found


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    def respond(request: Request) -> Response:
        body = gzip.decompress(request.body) if request.headers.get("content-encoding") == "gzip" else request.body
        sent = ExportTraceServiceRequest.FromString(body)
        collector.paths.append(request.path)
        collector.text += str(sent)
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                collector.spans += scope.spans
        return Response(200)

    with serving(respond) as collector.address:
        yield collector


def attributes(span: Span) -> dict[str, object]:
    return {
        each.key: each.value.int_value if each.value.HasField("int_value") else each.value.string_value
        for each in span.attributes
    }
