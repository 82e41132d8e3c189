"""Counts and durations of this process, for Prometheus."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import Request, Response

    from ragqa.types import Answer

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Measures:
    """The metrics of one application, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "ragqa_request_seconds",
            "Seconds until the response began.",
            ["method", "route", "status"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.answers = Counter(
            "ragqa_answers", "Questions by outcome.", ["outcome"], registry=self.registry
        )
        self.unsupported = Counter(
            "ragqa_unsupported_sentences",
            "Generated sentences that their quotes do not bear out.",
            registry=self.registry,
        )
        self.stages = Histogram(
            "ragqa_answer_seconds",
            "Seconds since the question until a stage was done.",
            ["stage"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.waiting = Gauge(
            "ragqa_jobs_waiting", "Files that wait for a worker.", registry=self.registry
        )

    def count(self, answer: Answer) -> None:
        """Note how a question ended."""
        self.answers.labels(answer.refusal.reason if answer.refusal else "answered").inc()
        self.unsupported.inc(sum(not sentence.supported for sentence in answer.sentences))
        timings = answer.timings
        self.stages.labels("retrieve").observe(timings.retrieve / 1000)
        if timings.first_token is not None:
            self.stages.labels("first_token").observe(timings.first_token / 1000)
        self.stages.labels("total").observe(timings.total / 1000)

    def render(self) -> tuple[bytes, str]:
        """Return the text and its media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST


async def measure_requests(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Time a request until its response begins."""
    started = time.perf_counter()
    response = await call_next(request)
    route = request.scope.get("route")
    measures: Measures = request.app.state.measures
    measures.requests.labels(
        request.method, getattr(route, "path", "none"), str(response.status_code)
    ).observe(time.perf_counter() - started)
    return response
