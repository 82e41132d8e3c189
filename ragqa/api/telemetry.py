"""OpenTelemetry, when it is configured: each request is a span, an answer's stages lie on it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ragqa.errors import WrongSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.datastructures import Headers
    from starlette.types import Scope

    from ragqa.types import Answer


class Telemetry:
    """Sends spans to a collector (OTLP over HTTP), in the background; ``stop`` sends the rest."""

    def __init__(self, endpoint: str) -> None:
        """Begin to trace; the collector need not be there.

        Args:
            endpoint: Base address of the collector, such as ``http://127.0.0.1:4318``.

        Raises:
            WrongSettings: If OpenTelemetry is not installed.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise WrongSettings(
                "RAGQA_OTLP_ENDPOINT is set, and OpenTelemetry is not installed: pip install "
                "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http, or unset it"
            ) from error
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider = TracerProvider(resource=Resource.create({"service.name": "ragqa"}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("ragqa")

    def stop(self) -> None:
        """Send what is left, and end."""
        self._provider.shutdown()

    @contextmanager
    def request(self, scope: Scope, headers: Headers, name: str) -> Iterator[Any]:
        """Hold the span of a request, part of the caller's trace if they name one."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        told = {
            "http.request.method": scope["method"],
            "url.path": scope["path"],
            "ragqa.request_id": name,
        }
        with self._tracer.start_as_current_span(
            f"{scope['method']} {scope['path']}",
            context=TraceContextTextMapPropagator().extract(headers),
            kind=SpanKind.SERVER,
            attributes=told,
        ) as span:
            yield span


def end_request(span: Any, scope: Scope, status: int) -> None:
    """Name a request's span after its route, and say how it ended."""
    route = getattr(scope.get("route"), "path", None)
    if route is not None:
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)


def note_answer(answer: Answer) -> None:
    """Put the stages of an answer on the span of the request that asked; without one, nothing."""
    from opentelemetry.trace import get_current_span

    span = get_current_span()
    if not span.is_recording():
        return
    timings = answer.timings
    span.set_attributes(
        {
            "ragqa.collection": answer.collection,
            "ragqa.outcome": answer.refusal.reason if answer.refusal else "answered",
            "ragqa.retrieve_ms": timings.retrieve,
            "ragqa.total_ms": timings.total,
            "ragqa.prompt_tokens": answer.usage.prompt_tokens,
            "ragqa.completion_tokens": answer.usage.completion_tokens,
        }
    )
    if timings.first_token is not None:
        span.set_attribute("ragqa.first_token_ms", timings.first_token)
