"""What is served of a document, read back to be cut anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.store.documents import document_key
from ragqa.store.pages import read_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from ragqa.types import DocumentId, Page

    Row = dict[str, Any]

NUMBERS = """
SELECT p.page_number
  FROM pages p JOIN documents d ON (d.collection_id, d.document_id, d.current_version)
                                 = (p.collection_id, p.document_id, p.version)
 WHERE p.collection_id = %(collection_id)s AND p.document_id = %(document_id)s
 ORDER BY p.page_number
"""


def stream_pages(conn: Connection[Row], document_id: DocumentId) -> Iterator[Page]:
    """Yield the pages that are served, one in memory."""
    numbers = [row["page_number"] for row in conn.execute(NUMBERS, document_key(document_id))]
    for number in numbers:
        yield read_page(conn, document_id, number)
