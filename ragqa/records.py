"""The JSON shapes of the HTTP API, as types for those who call it; OpenAPI is made of them."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

# Not typing's: pydantic, which makes the OpenAPI document, needs this one before Python 3.12.
from typing_extensions import TypedDict

Source = Literal["text", "ocr", "empty"]


class Box(TypedDict):
    """A rectangle on a page: ``[x0, top, x1, bottom]`` in points, origin top-left."""

    page: int
    bbox: list[float]


class Failure(TypedDict):
    """Why something could not be done."""

    code: str
    message: str


class Notice(TypedDict):
    """What a reader of the document should know; ``page`` null means the whole file."""

    page: int | None
    code: str
    message: str


class Progress(TypedDict):
    """How far the reading is: ``done`` of ``total`` units of ``stage``; total 0 is unknown."""

    stage: str
    done: int
    total: int
    rate: NotRequired[float | None]
    seconds_left: NotRequired[float | None]


class Collection(TypedDict):
    """Documents that are searched together, and the embedding model that they are bound to."""

    name: str
    embedding_model: str
    dimension: int
    documents: int
    chunks: int
    created_at: str


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
    warnings: list[Notice]
    progress: Progress
    created_at: str
    updated_at: str
    metadata: NotRequired[dict[str, str]]


class Captioned(TypedDict):
    """What a caption belongs to; ``number`` counts the tables of its page, null for a figure."""

    kind: Literal["table", "figure"]
    number: int | None
    bbox: list[float]


class Block(TypedDict):
    """A region of a page; ``span`` is null for running heads and feet, which no text has."""

    kind: Literal["heading", "text", "list", "table", "caption", "header", "footer"]
    bbox: list[float]
    text: str
    span: list[int] | None
    rows: list[list[str]]
    level: NotRequired[int | None]
    of: NotRequired[Captioned]
    goes_on: NotRequired[bool]
    continues: NotRequired[bool]
    head_rows: NotRequired[int]
    head_columns: NotRequired[int]
    spans: NotRequired[list[list[int]]]


class Page(TypedDict):
    """What was read on a page; sizes in points, spans in code points of ``text``."""

    number: int
    width: float
    height: float
    source: Source
    ocr_confidence: float | None
    text: str
    blocks: list[Block]


class Stage(TypedDict):
    """Where one stage of the search put a passage."""

    stage: str
    rank: int
    score: float


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
    source: Source
    headings: list[str]
    boxes: list[Box]
    ocr_confidence: NotRequired[float | None]
    stages: NotRequired[list[Stage]]


class Cell(TypedDict):
    """The cell of a table that a number was read from, and the heads it stands under."""

    text: str
    row: str
    column: str
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
    cell: NotRequired[Cell | None]


class Sentence(TypedDict):
    """A sentence of an answer, and whether what it cites bears it out."""

    text: str
    markers: list[int]
    supported: bool
    reasons: NotRequired[list[str]]


class Refusal(TypedDict):
    """Why there is no answer, and the passages that came nearest."""

    reason: str
    message: str
    nearest: list[Hit]


class Timings(TypedDict):
    """Milliseconds since the question came; null for a stage that did not run."""

    retrieve: float
    first_token: float | None
    total: float


class Usage(TypedDict):
    """Tokens of the language model."""

    prompt_tokens: int
    completion_tokens: int


class Models(TypedDict):
    """Which models an answer came from."""

    embedding: str
    reranker: str | None
    generator: str


class Answer(TypedDict):
    """Text with citations, or a refusal with its reason."""

    id: str | None
    question: str
    collection: str
    answered: bool
    text: str
    refusal: Refusal | None
    citations: list[Citation]
    sentences: list[Sentence]
    hits: list[Hit]
    timings_ms: Timings
    usage: Usage
    models: Models
    standalone_question: NotRequired[str | None]
    conversation_id: NotRequired[str | None]
    confidence: NotRequired[float | None]


class Filter(TypedDict, total=False):
    """Which passages a search may see: those that everything given here lets through."""

    document: str
    documents: list[str]
    pages: list[int]
    kind: Literal["text", "table"]
    metadata: dict[str, Any]
    since: str
    until: str
