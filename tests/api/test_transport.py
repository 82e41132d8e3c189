"""Request ids, compression, what has not changed."""

from __future__ import annotations

import gzip
import json
import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typing_extensions import override

from ragqa.logs import JsonLines, TextLines, request_id

STAGES = ("embedding", "lexical", "dense", "verbatim", "pages", "fusion", "reading", "total")

if TYPE_CHECKING:
    from fastapi.testclient import TestClient


def test_a_request_keeps_the_id_its_caller_chose(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == (
        "mine-1"
    )


@pytest.mark.parametrize("chosen", ["a b", "x" * 65, "evil\tline", "字"])
def test_an_id_that_could_forge_a_line_of_the_log_is_replaced(
    client: TestClient, chosen: str
) -> None:
    given = client.get("/healthz", headers=[(b"x-request-id", chosen.encode())]).headers[
        "x-request-id"
    ]

    assert given != chosen
    assert len(given) == 32


def test_the_log_names_the_request(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    class Keep(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(JsonLines().format(record))

    handler = Keep()
    log = logging.getLogger("ragqa.api.tracing")
    log.addHandler(handler)
    try:
        with caplog.at_level(logging.INFO, log.name):
            client.post("/v1/collections", json={}, headers={"X-Request-Id": "r-7"})
    finally:
        log.removeHandler(handler)

    line = json.loads(seen[0])
    assert line["request_id"] == "r-7"
    assert (line["method"], line["path"], line["status"]) == ("POST", "/v1/collections", 422)


def test_a_line_for_people_names_the_request_too() -> None:
    record = logging.LogRecord("ragqa", logging.INFO, "f.py", 1, "said %s", ("so",), None)
    token = request_id.set("r-8")
    try:
        assert "[r-8] INFO ragqa: said so" in TextLines().format(record)
    finally:
        request_id.reset(token)
    assert "[" not in TextLines().format(record)


def test_json_is_compressed_and_events_are_not(live: str, demo: dict[str, Any]) -> None:
    with httpx.stream("GET", f"{live}/openapi.json", headers={"accept-encoding": "gzip"}) as got:
        assert got.headers["content-encoding"] == "gzip"
        raw = b"".join(got.iter_raw())
    assert json.loads(gzip.decompress(raw))["info"]["title"] == "ragqa"

    events = httpx.post(
        f"{live}/v1/ask",
        json={"question": "保修期多久？", "collection": "demo"},
        headers={"accept": "text/event-stream", "accept-encoding": "gzip"},
    )
    assert "content-encoding" not in events.headers
    assert "event: answer" in events.text


@pytest.mark.parametrize("what", ["file", "pages/1", "pages/1/image", "pages/1/image?dpi=50"])
def test_what_has_not_changed_is_not_sent_again(
    client: TestClient, demo: dict[str, Any], what: str
) -> None:
    path = f"/v1/documents/{demo['id']}/{what}"
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert (first.status_code, again.status_code) == (200, 304)
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_picture_with_other_boxes_is_another_one(
    client: TestClient, demo: dict[str, Any]
) -> None:
    hit = client.post("/v1/search", json={"query": "保修期", "collection": "demo"}).json()["hits"][
        0
    ]
    path = f"/v1/documents/{demo['id']}/pages/1/image"
    plain = client.get(path).headers["etag"]

    assert client.get(path, params={"chunk": hit["chunk_id"]}).headers["etag"] != plain


def test_invented_methods_fill_no_memory(live: str, client: TestClient) -> None:
    for n in range(3):
        httpx.request(f"BREW{n}", f"{live}/healthz")

    assert "BREW" not in httpx.get(f"{live}/metrics").text


def test_the_measures_tell_questions_documents_pages_and_jobs(
    client: TestClient, demo: dict[str, Any]
) -> None:
    client.post("/v1/ask", json={"question": "保修期是多久？", "collection": "demo"})
    client.post(
        "/v1/collections/demo/documents", files=[("files", ("b.txt", b"waits", "text/plain"))]
    )
    measured = client.get("/metrics").text.splitlines()

    for line in (
        'ragqa_answers_total{outcome="answered"} 1.0',
        'ragqa_answer_seconds_count{stage="total"} 1.0',
        *(f'ragqa_search_seconds_count{{stage="{stage}"}} 1.0' for stage in STAGES),
        'ragqa_documents{status="ready"} 1.0',
        'ragqa_documents{status="queued"} 1.0',
        'ragqa_documents{status="failed"} 0.0',
        'ragqa_pages{source="text"} 2.0',
        'ragqa_pages{source="ocr"} 0.0',
        "ragqa_jobs_waiting 1.0",
        "ragqa_questions_in_progress 0.0",
    ):
        assert line in measured
