"""Where on its pages a chunk or a citation stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.errors import NotFound
from ragqa.store.answers import read_answer
from ragqa.store.pages import boxes_of, unpack_boxes
from ragqa.types import BBox, Box, Span

if TYPE_CHECKING:
    from psycopg import Connection

    from ragqa.types import AnswerId, ChunkId, DocumentId

    Row = dict[str, Any]

CHUNK = """
SELECT c.page_number, c.span_start, c.span_end, p.char_boxes
  FROM chunks c
  JOIN pages p USING (collection_id, document_id, version, page_number)
 WHERE c.collection_id = %(collection_id)s AND c.chunk_id = %(chunk_id)s
   AND c.document_id = %(document_id)s
"""


def chunk_boxes(conn: Connection[Row], document_id: DocumentId, chunk_id: ChunkId) -> list[Box]:
    """Return the boxes of a chunk.

    Raises:
        NotFound: If the document has no such chunk (any more).
    """
    row = conn.execute(
        CHUNK,
        {
            "collection_id": document_id.collection_id,
            "document_id": document_id.number,
            "chunk_id": chunk_id.number,
        },
    ).fetchone()
    if row is None or chunk_id.collection_id != document_id.collection_id:
        raise NotFound(f"document {document_id} has no chunk {chunk_id}", code="chunk_not_found")
    span = Span(row["span_start"], row["span_end"])
    return list(boxes_of(row["page_number"], unpack_boxes(row["char_boxes"]), span))


def citation_boxes(
    conn: Connection[Row], document_id: DocumentId, answer_id: AnswerId, marker: int
) -> list[Box]:
    """Return the boxes of an answer's citation that lies in this document.

    Raises:
        NotFound: If there is no such answer or citation.
    """
    for citation in read_answer(conn, answer_id)["citations"]:
        if citation["marker"] == marker and citation["document_id"] == str(document_id):
            return [Box(box["page"], BBox(*box["bbox"])) for box in citation["boxes"]]
    raise NotFound(
        f"answer {answer_id} has no citation [{marker}] in document {document_id}",
        code="citation_not_found",
    )
