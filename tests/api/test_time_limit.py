"""A request that takes too long is answered in time; a stream that has begun goes on."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from ragqa.api.app import create_app
from tests.api.conftest import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ragqa.wiring import Services

SECONDS = 2.0
QUERY = {"query": "保修期", "collection": "demo"}


@pytest.fixture
def hurried(services: Services, demo: dict[str, Any]) -> Iterator[str]:
    """Address of a service that gives a request little time."""
    assert demo["status"] == "ready"
    services.settings = services.settings.model_copy(update={"request_seconds": SECONDS})
    with serving(create_app(services)) as url:
        yield url


@contextmanager
def held(services: Services) -> Iterator[None]:
    """Keep everybody else from looking at chunks."""
    with psycopg.connect(services.database.conninfo) as conn:
        conn.execute("LOCK TABLE chunks IN ACCESS EXCLUSIVE MODE")
        yield
        conn.rollback()


def test_a_search_that_takes_too_long_says_so(hurried: str, services: Services) -> None:
    with held(services):
        began = time.monotonic()
        late = httpx.post(f"{hurried}/v1/search", json=QUERY)
        took = time.monotonic() - began
        alive = httpx.get(f"{hurried}/healthz")

    assert late.status_code == 503
    assert late.headers["content-type"] == "application/problem+json"
    assert late.headers["retry-after"] == "5"
    assert late.headers["x-request-id"]
    assert late.json()["code"] == "out_of_time"
    assert SECONDS <= took < SECONDS + 5
    assert alive.status_code == 200
    assert httpx.post(f"{hurried}/v1/search", json=QUERY).json()["hits"]


def test_an_answer_that_takes_too_long_gives_its_place_back(
    hurried: str, services: Services
) -> None:
    asked = {"question": "保修期是多久？", "collection": "demo"}
    with held(services):
        late = httpx.post(f"{hurried}/v1/ask", json=asked)

    assert late.json()["code"] == "out_of_time"
    end = time.monotonic() + 10
    while "ragqa_questions_in_progress 0.0" not in httpx.get(f"{hurried}/metrics").text:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_stream_that_has_begun_may_take_its_time(hurried: str, demo: dict[str, Any]) -> None:
    sent = httpx.post(
        f"{hurried}/v1/collections/{demo['collection']}/documents",
        files=[("files", ("b.txt", b"nobody reads this", "text/plain"))],
    )
    waiting = f"{hurried}/v1/documents/{sent.json()['documents'][0]['id']}"
    with httpx.stream("GET", f"{waiting}/events") as stream:
        pieces = stream.iter_text()
        told = next(pieces)
        time.sleep(1.5 * SECONDS)
        httpx.post(f"{waiting}/cancel").raise_for_status()
        told += "".join(pieces)

    assert told.count("event: progress") >= 2
    assert "out_of_time" not in told
