"""What is served of a document, read back to be written anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.store.documents import document_key
from ragqa.types import Chunk, Span

if TYPE_CHECKING:
    from psycopg import Connection

    from ragqa.types import DocumentId

    Row = dict[str, Any]

CHUNKS = """
SELECT ordinal, page_number, span_start, span_end, kind, headings, text FROM chunks
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
 ORDER BY ordinal
"""


def list_chunks(conn: Connection[Row], document_id: DocumentId) -> list[tuple[int, Chunk]]:
    """Return the chunks that are served, each with its place in the document."""
    return [
        (
            row["ordinal"],
            Chunk(
                row["page_number"],
                Span(row["span_start"], row["span_end"]),
                row["text"],
                row["kind"],
                tuple(row["headings"]),
            ),
        )
        for row in conn.execute(CHUNKS, document_key(document_id))
    ]
