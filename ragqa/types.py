"""The nouns of ragqa: plain, frozen values with no I/O.

Conventions that hold everywhere:

* Page numbers count from 1, as readers cite them.
* A ``Span`` counts Unicode code points of ``Page.text``, half open.
* A ``BBox`` is in PDF points (1/72 inch), origin top-left, on the page as displayed.
* ``score`` is "higher is better" and comparable only within one list of hits.
* Text is Unicode NFC.
"""

# Longer than 300 lines: every noun of the house in one place, to be looked up.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, NewType, Self

from typing_extensions import override

from ragqa.errors import NotFound

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

CollectionId = NewType("CollectionId", int)

Status = Literal["queued", "processing", "ready", "failed"]
PageSource = Literal["text", "ocr", "empty"]
BlockKind = Literal["heading", "text", "list", "table", "caption", "header", "footer"]
ChunkKind = Literal["text", "table"]
RefusalReason = Literal[
    "no_documents",
    "no_evidence",
    "unsupported_draft",
    "low_ocr_confidence",
    "conflicting_evidence",
]
Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True, order=True)
class Id:
    """A public identifier that carries its collection: ``"3-17"``.

    Whoever holds one knows which collection to ask, so no query ever has to look in all of them.
    """

    collection_id: CollectionId
    number: int

    @override
    def __str__(self) -> str:
        return f"{self.collection_id}-{self.number}"

    @classmethod
    def parse(cls, text: str, noun: str = "thing") -> Self:
        """Read ``"3-17"``.

        Raises:
            NotFound: If ``text`` does not have that form; such a thing cannot exist.
        """
        collection, _, number = text.partition("-")
        if not (
            collection.isascii() and collection.isdigit() and number.isascii() and number.isdigit()
        ):
            raise NotFound(f"no {noun} {text!r}")
        if max(len(collection), len(number)) > 18:
            raise NotFound(f"no {noun} {text!r}")
        return cls(CollectionId(int(collection)), int(number))


DocumentId = NewType("DocumentId", Id)
ChunkId = NewType("ChunkId", Id)
AnswerId = NewType("AnswerId", Id)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open, non-empty range of code points ``[start, end)`` in one page's text."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"not a span: [{self.start}, {self.end})")

    def of(self, text: str) -> str:
        """Return the slice of ``text`` that this span covers."""
        if self.end > len(text):
            raise ValueError(f"span ends at {self.end}, text has {len(text)} characters")
        return text[self.start : self.end]


class BBox(NamedTuple):
    """A rectangle on a page: points, origin top-left."""

    x0: float
    top: float
    x1: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a numbered page."""

    page: int
    bbox: BBox


@dataclass(frozen=True, slots=True)
class Captioned:
    """The table or figure that a caption belongs to."""

    kind: Literal["table", "figure"]
    bbox: BBox
    number: int | None = None
    """Which table of its page, from 1; None for a figure."""


class CellSpan(NamedTuple):
    """A cell of a table that covers several rows or columns, and where its text stands."""

    row: int
    column: int
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Block:
    """A region of a page, in reading order; ``span`` is None for running heads and feet."""

    kind: BlockKind
    bbox: BBox
    text: str
    span: Span | None = None
    rows: tuple[tuple[str, ...], ...] = ()
    level: int | None = None
    """Depth of a heading, 1 the highest; None for everything else."""
    of: Captioned | None = None
    """What a caption belongs to; None where that is not plain."""
    goes_on: bool = False
    """A paragraph that the next page goes on with."""
    continues: bool = False
    """The rest of a paragraph of the page before."""
    spans: tuple[CellSpan, ...] = ()
    """Cells of a table that cover more than one; their text stands at their first place."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a reader of the document should know; ``page`` None means the whole file."""

    code: str
    message: str
    page: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One page after reading: its final text, where every character of it stands, its blocks."""

    number: int
    width: float
    height: float
    source: PageSource
    text: str
    char_boxes: NDArray[np.float32]
    """Shape ``(len(text), 4)``: the bbox of each code point; NaN where there is no ink
    (separators that assembling put in)."""
    blocks: tuple[Block, ...] = ()
    ocr_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a document is: ``done`` of ``total`` units of ``stage``; total 0 is unknown."""

    stage: str = "queued"
    done: int = 0
    total: int = 0
    rate: float | None = None
    """Units a second since the stage began; None while that is not known."""

    @property
    def seconds_left(self) -> float | None:
        """How long the stage will still take at its rate."""
        return (self.total - self.done) / self.rate if self.rate else None


@dataclass(frozen=True, slots=True)
class Correction:
    """What a line of a page really says, told by somebody who looked."""

    place: BBox
    """Where the line stood when it was corrected."""
    read_as: str
    text: str
    """Empty: what was read is no text."""
    by: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One content of a document, as it is listed."""

    version: int
    sha256: str
    bytes: int
    status: Status
    pages: int
    served: bool
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something could not be done, in the user's words."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents that are searched together; pins its embedding model."""

    id: CollectionId
    name: str
    embedding_model: str
    dimension: int
    created_at: dt.datetime
    documents: int = 0
    chunks: int = 0
    answer_from: float | None = None
    """How sure the evidence must be before it answers, 0 to 1; None: the default."""


@dataclass(frozen=True, slots=True)
class Document:
    """One source file by name, with the state of its newest version."""

    id: DocumentId
    collection: str
    filename: str
    sha256: str
    bytes: int
    status: Status
    version: int
    pages: int
    ocr_pages: int
    tables: int
    chunks: int
    error: Failure | None
    warnings: tuple[Notice, ...]
    progress: Progress
    created_at: dt.datetime
    updated_at: dt.datetime
    metadata: tuple[tuple[str, str], ...] = ()
    """What it was given at its upload; searches may ask for it."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of one page: the unit that is embedded, retrieved and cited.

    ``text == page.text[span]`` always; ``headings`` is the path above it, outermost first, and is
    context, never quoted. So are ``before`` and ``after``: known while it is cut, and not stored.
    """

    page_number: int
    span: Span
    text: str
    kind: ChunkKind = "text"
    headings: tuple[str, ...] = ()
    before: str = ""
    """Heads of its table that stand in an earlier chunk; the beginning of its first sentence."""
    after: str = ""
    """The end of its last sentence, where it stands on the next page."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A stored chunk that retrieval found, with its score."""

    chunk_id: ChunkId
    document_id: DocumentId
    filename: str
    chunk: Chunk
    source: PageSource
    score: float
    boxes: tuple[Box, ...] = ()
    ocr_confidence: float | None = None
    stages: tuple[tuple[str, int, float], ...] = ()
    """Where each stage put it: ``(stage, rank from 1, score)``."""


@dataclass(frozen=True, slots=True)
class TableCell:
    """The cell that a number was read from: its text, the heads it stands under, its boxes."""

    text: str
    row: str
    column: str
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """``[marker]`` in an answer's text: a verified span of a stored page."""

    marker: int
    chunk_id: ChunkId
    document_id: DocumentId
    filename: str
    page: int
    span: Span
    quote: str
    boxes: tuple[Box, ...] = ()
    cell: TableCell | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer, the markers it carries, and whether its quotes bear it out."""

    text: str
    markers: tuple[int, ...]
    supported: bool
    reasons: tuple[str, ...] = ()
    """Why it is not supported; empty when it is."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A typed "not in your documents", with the passages that came nearest."""

    reason: RefusalReason
    message: str
    nearest: tuple[Hit, ...] = ()
    unread: int = 0
    """Documents of the collection that were still being read."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds since the question arrived; None for a stage that did not run."""

    retrieve: float
    total: float
    first_token: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of the generator, and how near it was to writing that there is no answer."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    doubt: float | None = None
    """Probability, 0 to 1, that the completion begins as a refusal does; None: it means nothing,
    because the model was not fitted to refuse."""


@dataclass(frozen=True, slots=True)
class Models:
    """Which models an answer came from."""

    embedding: str
    reranker: str | None
    generator: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Text with citations, or a refusal with its reason."""

    question: str
    collection: str
    text: str
    refusal: Refusal | None
    citations: tuple[Citation, ...]
    sentences: tuple[Sentence, ...]
    hits: tuple[Hit, ...]
    timings: Timings
    usage: Usage
    models: Models
    id: AnswerId | None = None
    prompt: str | None = None
    conversation_id: str | None = None
    standalone_question: str | None = None
    confidence: float | None = None
    """How likely the documents have the answer, 0 to 1, by the collection's calibration."""

    @property
    def answered(self) -> bool:
        """True when there is an answer, False for a refusal."""
        return self.refusal is None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of generated text."""

    text: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which chunks a search may see. Empty tuples and None restrict nothing."""

    documents: tuple[DocumentId, ...] = ()
    pages: tuple[int, int] | None = None
    """First and last page, both included."""
    kind: ChunkKind | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    """What the document was given at its upload: every pair must be there."""
    since: dt.datetime | None = None
    """Documents that were taken in at this moment or later."""
    until: dt.datetime | None = None
    """Documents that were taken in before this moment."""


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """A text's vector and those of its tokens where they stand; every row has L2 norm 1."""

    whole: NDArray[np.float32]
    """Shape ``(dimension,)``."""
    tokens: NDArray[np.float32]
    """Shape ``(tokens, dimension)``; prefix and special tokens are left out."""
    texts: tuple[str, ...]
    """What each token is, without the marks of its vocabulary."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """Low-rank changes to the linear layers of an encoder's upper blocks, for one purpose.

    Source: Hu et al., "LoRA: low-rank adaptation of large language models", 2021.
    """

    first: int
    """The lowest block that is changed, from 0."""
    blocks: tuple[Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]], ...]
    """Of each block from ``first`` on, by the layer's name: shapes ``(rank, inputs)`` and
    ``(outputs, rank)``; what the second makes of the first is added to what the layer makes."""


@dataclass(frozen=True, slots=True)
class ReadPair:
    """The tokens of a text that was read after a question, as the model saw them."""

    offsets: NDArray[np.int64]
    """Shape ``(tokens, 2)``: where each token stands in the text."""
    states: NDArray[np.float32]
    """Shape ``(tokens, dimension)``: what the last block made of it."""


@dataclass(frozen=True, slots=True)
class TermCounts:
    """The bag of lexical terms of a text, as hashes; repeated terms appear repeatedly."""

    terms: tuple[int, ...] = field(default=())


def meet(one: BBox, other: BBox) -> bool:
    """Tell whether two rectangles share more than an edge."""
    beside = one.x0 >= other.x1 or one.x1 <= other.x0
    return not (beside or one.top >= other.bottom or one.bottom <= other.top)


def unite(boxes: Sequence[BBox]) -> BBox:
    """Return the smallest rectangle that holds all of ``boxes`` (at least one)."""
    return BBox(
        min(box.x0 for box in boxes),
        min(box.top for box in boxes),
        max(box.x1 for box in boxes),
        max(box.bottom for box in boxes),
    )
