"""OpenTelemetry through the real exporter, to a collector that writes down what it gets."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typing_extensions import override

from ragqa.api.app import create_app
from ragqa.wiring import Services

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = "保修期是多久？"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@contextmanager
def collecting() -> Iterator[tuple[str, list[Any]]]:
    """Give the address of a collector and the spans that it got."""
    spans: list[Any] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        @override
        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", spans
        server.shutdown()
        thread.join()


def told(span: Any) -> dict[str, Any]:
    return {
        one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in span.attributes
    }


def traced(services: Services, endpoint: str) -> TestClient:
    settings = services.settings.model_copy(update={"otlp_endpoint": endpoint})
    app = create_app(Services(settings, services.database, services.files))
    return TestClient(app, base_url="http://127.0.0.1")


def test_requests_are_spans_with_the_stages_of_their_answers(
    services: Services, demo: dict[str, Any]
) -> None:
    with collecting() as (endpoint, spans):
        with traced(services, endpoint) as client:
            named = {"X-Request-Id": "mine", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
            body = {"question": QUESTION, "collection": "demo"}
            client.post("/v1/ask", json=body, headers=named).raise_for_status()
            stream = {"Accept": "text/event-stream"}
            client.post("/v1/ask", json=body, headers=stream).raise_for_status()
            assert client.get("/v1/documents/1-99").status_code == 404

        asked, streamed, missing = spans
        assert asked.trace_id.hex() == TRACE
        for span in (asked, streamed):
            attributes = told(span)
            assert span.name.startswith("POST ")
            assert span.name.endswith("/ask")
            assert attributes["http.response.status_code"] == 200
            assert attributes["ragqa.outcome"] == "answered"
            assert 0 < attributes["ragqa.retrieve_ms"] <= attributes["ragqa.total_ms"]
        assert told(asked)["ragqa.request_id"] == "mine"
        assert told(missing)["http.response.status_code"] == 404
        assert "三十六" not in str(spans)
        assert QUESTION not in str(spans)


def test_a_collector_that_is_away_stops_no_answer(services: Services, demo: dict[str, Any]) -> None:
    with collecting() as (endpoint, _):
        pass
    with traced(services, endpoint) as client:
        body = {"question": QUESTION, "collection": "demo"}
        assert client.post("/v1/ask", json=body).json()["answered"]
