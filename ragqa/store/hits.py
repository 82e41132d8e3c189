"""Chunks as a reader gets them: with their file, their place and their boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.store.filters import as_array
from ragqa.store.pages import boxes_of_pieces, look_at_boxes
from ragqa.store.words import fetch
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
 WHERE c.collection_id = %(collection_id)s AND c.chunk_id = ANY(%(chunk_ids)s::bigint[])
"""


def read_hits(
    conn: Connection[Row], collection_id: CollectionId, scored: Sequence[Scored]
) -> list[Hit]:
    """Return the chunks in the order given, each with its score."""
    if not scored:
        return []
    chunk_ids = as_array(chunk_id for chunk_id, _ in scored)
    rows = fetch(conn, SELECT, {"collection_id": collection_id, "chunk_ids": chunk_ids})
    pieces = []
    for _, _, _, page_number, start, end, *_, packed in rows:
        of_page = look_at_boxes(packed)
        pieces.append((page_number, of_page[start : end if len(of_page) >= end else start]))
    by_id = {row[0]: (row, boxes) for row, boxes in zip(rows, boxes_of_pieces(pieces), strict=True)}
    hits = []
    for chunk_id, score in scored:
        if chunk_id in by_id:
            row, boxes = by_id[chunk_id]
            _, document, name, page_number, start, end, kind, headings, text, source, sure, _ = row
            chunk = Chunk(page_number, Span(start, end), text, kind, tuple(headings))
            hits.append(
                Hit(
                    chunk_id=ChunkId(Id(collection_id, chunk_id)),
                    document_id=DocumentId(Id(collection_id, document)),
                    filename=name,
                    chunk=chunk,
                    source=source,
                    score=score,
                    boxes=boxes,
                    ocr_confidence=sure,
                )
            )
    return hits
