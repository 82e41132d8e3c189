"""Counts and durations of this process, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import Scope

    from ragqa.retrieval.explain import Stage
    from ragqa.types import Answer

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
STAGE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
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
        self.searches = Histogram(
            "ragqa_search_seconds",
            "Seconds that each stage of a search took; `total`: all of it.",
            ["stage"],
            buckets=STAGE_SECONDS,
            registry=self.registry,
        )
        self.waiting = Gauge(
            "ragqa_jobs_waiting", "Files that wait for a worker.", registry=self.registry
        )

        self.questions = Gauge(
            "ragqa_questions_in_progress",
            "Questions that are answered or wait for the generator.",
            registry=self.registry,
        )
        self.tokens = Counter(
            "ragqa_tokens", "Tokens of the generator.", ["kind"], registry=self.registry
        )
        self.generated = Counter(
            "ragqa_generation_seconds",
            "Seconds from the first token of answers to their end; with tokens, the model's speed.",
            registry=self.registry,
        )
        self.documents = Gauge(
            "ragqa_documents", "Documents by status.", ["status"], registry=self.registry
        )
        self.pages = Gauge(
            "ragqa_pages",
            "Pages of documents, by how they were read.",
            ["source"],
            registry=self.registry,
        )

        self.connections = Gauge(
            "ragqa_pool_connections",
            "Connections of this process to Postgres.",
            ["state"],
            registry=self.registry,
        )
        self.queued = Gauge(
            "ragqa_pool_waiting", "Requests that wait for a connection.", registry=self.registry
        )

    def note_pool(self, told: Mapping[str, int]) -> None:
        """Set what the pool of connections tells; see ``Database.occupancy``."""
        self.connections.labels("busy").set(told["busy"])
        self.connections.labels("idle").set(told["idle"])
        self.queued.set(told["waiting"])

    def note_stored(self, counted: Mapping[str, Mapping[str, int]]) -> None:
        """Set what the database counts; see ``ragqa.store.jobs.count_stored``."""
        self.waiting.set(counted["jobs"]["waiting"])
        for status, number in counted["documents"].items():
            self.documents.labels(status).set(number)
        for source, number in counted["pages"].items():
            self.pages.labels(source).set(number)

    def count(self, answer: Answer) -> None:
        """Note how a question ended."""
        self.answers.labels(answer.refusal.reason if answer.refusal else "answered").inc()
        self.unsupported.inc(sum(not sentence.supported for sentence in answer.sentences))
        timings = answer.timings
        self.stages.labels("retrieve").observe(timings.retrieve / 1000)
        if timings.first_token is not None:
            self.stages.labels("first_token").observe(timings.first_token / 1000)
        self.tokens.labels("prompt").inc(answer.usage.prompt_tokens)
        self.tokens.labels("completion").inc(answer.usage.completion_tokens)
        if timings.first_token is not None:
            self.generated.inc(max(0.0, timings.total - timings.first_token) / 1000)
        self.stages.labels("total").observe(timings.total / 1000)

    def note_search(self, stages: Sequence[Stage]) -> None:
        """Note how long the stages of a search took; those of several collections are summed."""
        took: dict[str, float] = {}
        for stage in stages:
            took[stage.name] = took.get(stage.name, 0.0) + stage.milliseconds / 1000
        for name, seconds in took.items():
            self.searches.labels(name).observe(seconds)

    def count_request(self, scope: Scope, status: int, seconds: float) -> None:
        """Note a request whose response begins."""
        route = getattr(scope.get("route"), "path", "none")
        # Whoever invents methods must not fill the memory with labels.
        method = scope["method"] if scope["method"] in METHODS else "other"
        self.requests.labels(method, route, str(status)).observe(seconds)

    def render(self) -> tuple[bytes, str]:
        """Return the text and its media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
