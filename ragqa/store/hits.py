"""Chunks as a reader gets them: with their file, their place and their boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.store.pages import boxes_of, look_at_boxes
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

    from ragqa.ports import Scored

    Row = dict[str, Any]

SELECT = """
SELECT c.chunk_id, c.document_id, d.name, c.page_number, c.span_start, c.span_end, c.kind,
       c.headings, c.text, p.source, p.ocr_confidence, p.char_boxes
  FROM chunks c
  JOIN documents d USING (collection_id, document_id)
  JOIN pages p USING (collection_id, document_id, version, page_number)
 WHERE c.collection_id = %(collection_id)s AND c.chunk_id = ANY(%(chunk_ids)s)
"""


def read_hits(
    conn: Connection[Row], collection_id: CollectionId, scored: Sequence[Scored]
) -> list[Hit]:
    """Return the chunks in the order given, each with its score."""
    if not scored:
        return []
    rows = conn.execute(
        SELECT,
        {"collection_id": collection_id, "chunk_ids": [chunk_id for chunk_id, _ in scored]},
    )
    by_id = {row["chunk_id"]: row for row in rows}
    return [
        hit_from_row(collection_id, by_id[chunk_id], score)
        for chunk_id, score in scored
        if chunk_id in by_id
    ]


def hit_from_row(collection_id: CollectionId, row: Row, score: float) -> Hit:
    """Build a hit from a row of ``SELECT``."""
    span = Span(row["span_start"], row["span_end"])
    boxes = look_at_boxes(row["char_boxes"])
    return Hit(
        chunk_id=ChunkId(Id(collection_id, row["chunk_id"])),
        document_id=DocumentId(Id(collection_id, row["document_id"])),
        filename=row["name"],
        chunk=Chunk(row["page_number"], span, row["text"], row["kind"], tuple(row["headings"])),
        source=row["source"],
        score=score,
        boxes=boxes_of(row["page_number"], boxes, span) if len(boxes) >= span.end else (),
        ocr_confidence=row["ocr_confidence"],
    )
