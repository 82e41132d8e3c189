"""How the pages of a document were read: each page's lot, its passages, its lines as recognised."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from isal import isal_zlib as zlib

from ragqa.store.corrections import match_lines, read_corrections
from ragqa.store.documents import document_key
from ragqa.store.pages import boxes_of, no_page, unpack_boxes
from ragqa.types import BBox, Box, ChunkId, Id, Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg import Connection

    from ragqa.types import Correction, DocumentId, PageSource

    Row = dict[str, Any]

PAGES = """
SELECT p.page_number, p.source, p.ocr_confidence, char_length(p.text) AS characters
  FROM pages p
  JOIN documents d USING (collection_id, document_id)
 WHERE p.collection_id = %(collection_id)s AND p.document_id = %(document_id)s
   AND p.version = d.current_version
 ORDER BY p.page_number
"""

PAGE = """
SELECT p.source, p.text, p.char_boxes, p.content, r.raw
  FROM pages p
  JOIN documents d USING (collection_id, document_id)
  LEFT JOIN page_reads r USING (collection_id, document_id, page_key)
 WHERE p.collection_id = %(collection_id)s AND p.document_id = %(document_id)s
   AND p.page_number = %(page_number)s AND p.version = d.current_version
"""

CHUNKS = """
SELECT chunk_id, span_start, span_end, kind, headings
  FROM chunks
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
   AND page_number = %(page_number)s
 ORDER BY ordinal
"""


_WIDE = r"\u2e80-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
_WORD = re.compile(rf"[{_WIDE}]|[^\s{_WIDE}]+")


@dataclass(frozen=True, slots=True)
class PageLot:
    """What became of one page."""

    number: int
    source: PageSource
    ocr_confidence: float | None
    characters: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk on its page."""

    chunk_id: ChunkId
    span: Span
    kind: str
    headings: tuple[str, ...]
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class RecognizedLine:
    """A line as the reader saw it, before the page was put in order."""

    text: str
    bbox: BBox
    confidence: float | None
    """The OCR engine's, in [0, 1]; None for a text layer."""
    words: tuple[tuple[str, float], ...] = ()
    """Each word and how sure the engine is of it; empty where it only says so of the line."""
    correction: Correction | None = None
    """What it really says, and who found out."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """How one page was read."""

    content: str
    """Hash of what the page shows."""
    source: PageSource
    ocr_reason: str
    """Why OCR read the page; empty when it did not."""
    lines: tuple[RecognizedLine, ...]


def list_pages(conn: Connection[Row], document_id: DocumentId) -> list[PageLot]:
    """Return what became of each page of the version that is served; none: nothing is served."""
    return [
        PageLot(row["page_number"], row["source"], row["ocr_confidence"], row["characters"])
        for row in conn.execute(PAGES, document_key(document_id))
    ]


def list_pieces(conn: Connection[Row], document_id: DocumentId, page_number: int) -> list[Piece]:
    """Return the chunks of a page in reading order.

    Raises:
        NotFound: If the document is not served or has no such page.
    """
    boxes = unpack_boxes(_page(conn, document_id, page_number)["char_boxes"])
    rows = conn.execute(CHUNKS, {**document_key(document_id), "page_number": page_number})
    return [
        Piece(
            chunk_id=ChunkId(Id(document_id.collection_id, row["chunk_id"])),
            span=(span := Span(row["span_start"], row["span_end"])),
            kind=row["kind"],
            headings=tuple(row["headings"]),
            boxes=boxes_of(page_number, boxes, span),
        )
        for row in rows
    ]


def read_recognition(
    conn: Connection[Row], document_id: DocumentId, page_number: int
) -> Recognition:
    """Return how a page was read.

    Raises:
        NotFound: If the document is not served or has no such page.
    """
    row = _page(conn, document_id, page_number)
    head = _head(row["raw"]) if row["raw"] else {}
    text = head.get("text", "")
    lines = [
        RecognizedLine(
            text[start:end].strip(),
            BBox(*bbox),
            confidence,
            words_of(text[start:end], more[2] if len(more) > 2 else ()),
        )
        for start, end, bbox, _, _, _, _, confidence, *more in head.get("lines", [])
    ]
    kept = read_corrections(conn, document_id.collection_id, [row["content"]])
    corrected = match_lines(
        kept.get(row["content"], ()), [(line.bbox, line.text) for line in lines]
    )
    return Recognition(
        content=row["content"],
        source=row["source"],
        ocr_reason=head.get("ocr_reason", ""),
        lines=tuple(
            replace(line, correction=corrected.get(number)) for number, line in enumerate(lines)
        ),
    )


def words_of(text: str, sure: Sequence[float]) -> tuple[tuple[str, float], ...]:
    """Return the words of a line, each as sure as its least sure character.

    A word is what stands between blanks; in scripts without blanks every character is one.

    Args:
        text: The line.
        sure: Confidence of each character, or empty.
    """
    if len(sure) != len(text):
        return ()
    return tuple((match[0], min(sure[slice(*match.span())])) for match in _WORD.finditer(text))


def _page(conn: Connection[Row], document_id: DocumentId, page_number: int) -> Row:
    row = conn.execute(PAGE, {**document_key(document_id), "page_number": page_number}).fetchone()
    if row is None:
        raise no_page(conn, document_id, page_number)
    return row


def _head(raw: bytes) -> Mapping[str, Any]:
    """Return the JSON that a kept reading begins with; the boxes after it are not unpacked."""
    plain = zlib.decompress(raw)
    (size,) = struct.unpack_from("<I", plain)
    head: dict[str, Any] = json.loads(plain[4 : 4 + size])
    return head
