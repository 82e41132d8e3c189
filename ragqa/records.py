"""The JSON shapes of the HTTP API, as types for those who call it."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class Box(TypedDict):
    """A rectangle on a page: ``[x0, top, x1, bottom]`` in points, origin top-left."""

    page: int
    bbox: list[float]


class Failure(TypedDict):
    """Why something could not be done."""

    code: str
    message: str


class Document(TypedDict):
    """A file in a collection, with the state of its newest version."""

    id: str
    collection: str
    filename: str
    sha256: str
    bytes: int
    status: Literal["queued", "processing", "ready", "failed"]
    version: int
    pages: int
    ocr_pages: int
    tables: int
    chunks: int
    error: Failure | None
    warnings: list[dict[str, Any]]
    progress: dict[str, Any]
    created_at: str
    updated_at: str


class Hit(TypedDict):
    """A passage that was found; ``text`` is ``span`` of its page's text."""

    rank: int
    score: float
    chunk_id: str
    document_id: str
    filename: str
    page: int
    span: list[int]
    text: str
    kind: Literal["text", "table"]
    source: Literal["text", "ocr", "empty"]
    headings: list[str]
    boxes: list[Box]


class Citation(TypedDict):
    """Where a marker of an answer points; the server cut the quote out of the stored page."""

    marker: int
    chunk_id: str
    document_id: str
    filename: str
    page: int
    span: list[int]
    quote: str
    boxes: list[Box]


class Answer(TypedDict):
    """Text with citations, or a refusal with its reason."""

    id: str | None
    question: str
    collection: str
    answered: bool
    text: str
    refusal: dict[str, Any] | None
    citations: list[Citation]
    sentences: list[dict[str, Any]]
    hits: list[Hit]
    timings_ms: dict[str, float | None]
    usage: dict[str, int]
    models: dict[str, str | None]
