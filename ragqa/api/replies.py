"""What each route sends back, as types: the shapes of ``ragqa.records``, wrapped and in lists."""

# Longer than 300 lines: one type for each route, in one place, to be looked up.

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from ragqa.callers import Role
from ragqa.records import (
    Answer,
    Block,
    Box,
    Citation,
    Collection,
    Document,
    Failure,
    Hit,
    Source,
)


class Problem(TypedDict):
    """A problem document (RFC 9457); ``code`` is stable."""

    type: str
    title: str
    status: int
    code: str
    detail: str


class Alive(TypedDict):
    """The process answers."""

    status: Literal["ok"]


class Readiness(TypedDict):
    """Whether questions can be answered now, and what is still missing."""

    status: Literal["ok", "not ready"]
    checks: dict[str, str]


class Session(TypedDict):
    """Who calls; ``open``: nobody needs a key here."""

    open: bool
    name: str
    role: Role
    everywhere: bool
    collections: list[str]


class Collections(TypedDict):
    """All collections, by name."""

    collections: list[Collection]


class Run(TypedDict):
    """One run of the nightly batch over some paths."""

    run_id: int
    paths: list[str]
    state: Literal["running", "finished", "interrupted"]
    report: dict[str, Any] | None
    started_at: str
    finished_at: str | None


class Runs(TypedDict):
    """The last batch runs, newest first."""

    runs: list[Run]


class Rejected(Failure):
    """A file that was not taken in."""

    filename: str


class Upload(TypedDict):
    """What was taken in, and what was refused."""

    documents: list[Document]
    rejected: list[Rejected]


class Documents(TypedDict):
    """Some documents in the order they came; ``next`` is the ``cursor`` of those after them."""

    documents: list[Document]
    next: str | None


class Version(TypedDict):
    """One content of a document that is kept."""

    version: int
    sha256: str
    bytes: int
    status: str
    pages: int
    served: bool
    created_at: str


class Versions(TypedDict):
    """Versions, newest first."""

    versions: list[Version]


class PageLot(TypedDict):
    """Where the text of a page came from, how sure it is, and the codes of its warnings."""

    number: int
    source: Source
    ocr_confidence: float | None
    characters: int
    warnings: list[str]


class PageLots(TypedDict):
    """The pages of a document."""

    pages: list[PageLot]


class Piece(TypedDict):
    """A passage that a page was cut into."""

    chunk_id: str
    span: list[int]
    kind: Literal["text", "table"]
    headings: list[str]
    boxes: list[Box]


class Pieces(TypedDict):
    """The passages of a page."""

    chunks: list[Piece]


class Correction(TypedDict):
    """What a line was read as, and what somebody says that it says."""

    read_as: str
    text: str
    corrected_by: str
    corrected_at: str


class LineCorrection(Correction):
    """A correction and its place; lines count from 0, as ``recognition`` lists them."""

    page: int
    line: int


class Corrections(TypedDict):
    """What was corrected on the pages that are served."""

    corrections: list[LineCorrection]


class Corrected(Corrections):
    """The same, and how far the document is with it."""

    document: Document


class Word(TypedDict):
    """A word, or a Chinese character, and how sure OCR is of it."""

    text: str
    confidence: float


class Line(TypedDict):
    """A line as it was recognised, and its correction.

    `words` is empty where the engine only says how sure it is of the line.
    """

    text: str
    bbox: list[float]
    confidence: float | None
    words: list[Word]
    correction: Correction | None


class Recognition(TypedDict):
    """Why OCR read a page (null: it did not), and each line."""

    source: Source
    ocr_reason: str | None
    lines: list[Line]


class Table(Block):
    """A table of a page; ``heads`` are the head rows of the one it goes on from, if it does."""

    number: int
    head: list[str] | None
    heads: list[list[str]] | None


class Tables(TypedDict):
    """The tables of a page, from the top."""

    tables: list[Table]


class Explanation(TypedDict):
    """How the hits came about."""

    terms: list[dict[str, Any]]
    named: list[dict[str, Any]]
    stages: list[dict[str, Any]]
    matched: list[list[str]]
    weights: dict[str, float]
    milliseconds: float


class Found(TypedDict):
    """Passages, best first."""

    query: str
    hits: list[Hit]
    explain: NotRequired[Explanation]


class TracedAnswer(Answer):
    """An answer as it is kept: with its prompt and the versions that it was made from."""

    prompt: str | None
    created_at: str
    asked: NotRequired[dict[str, Any]]
    versions: NotRequired[dict[str, Any]]


class Model(TypedDict):
    """A collection, as clients of this protocol see it."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(TypedDict):
    """The collections."""

    object: Literal["list"]
    data: list[Model]


class TokenCounts(TypedDict):
    """Tokens, as clients of this protocol count them."""

    prompt_tokens: int
    total_tokens: int
    completion_tokens: NotRequired[int]


class Completion(TypedDict):
    """An answer in the text of a message; ``citations`` is what that protocol does not know."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: TokenCounts
    citations: list[Citation]


class EmbeddingRow(TypedDict):
    """A vector: numbers, or their little-endian float32 in base64."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class Embeddings(TypedDict):
    """Vectors of length 1, in the order of the texts."""

    object: Literal["list"]
    model: str
    data: list[EmbeddingRow]
    usage: TokenCounts


class Key(TypedDict):
    """A key, without what opens the door; ``collections`` null: all of them."""

    id: str
    name: str
    role: Role
    collections: list[str] | None
    requests_per_minute: int | None
    questions_a_day: int | None
    upload_bytes_a_day: int | None
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class MadeKey(Key):
    """A new key; ``key`` is shown this once."""

    key: str


class Keys(TypedDict):
    """Keys, revoked and expired ones included."""

    keys: list[Key]


class Deed(TypedDict):
    """One line of the audit log."""

    id: int
    at: str
    actor: str
    key_id: str | None
    action: str
    target: str
    outcome: str
    request_id: str
    address: str


class Deeds(TypedDict):
    """Who did what, newest first; ``next`` is the ``before`` of what came before these."""

    records: list[Deed]
    next: int | None


class Setting(TypedDict):
    """A setting in force; of a secret only whether it is set."""

    name: str
    value: Any
    default: Any
    description: str | None


class SettingList(TypedDict):
    """Every setting."""

    settings: list[Setting]
