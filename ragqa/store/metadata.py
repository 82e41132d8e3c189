"""What a document is given at its upload, for searches to ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from ragqa.store.documents import document_key, find_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import Connection

    from ragqa.types import Document, DocumentId

    Row = dict[str, Any]

SET = """
UPDATE documents SET metadata = %(metadata)s
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
"""


def set_metadata(
    conn: Connection[Row], document_id: DocumentId, metadata: Mapping[str, str]
) -> Document:
    """Replace a document's metadata; searches see it with the next question.

    Raises:
        NotFound: If there is no such document.
    """
    conn.execute(SET, {**document_key(document_id), "metadata": Jsonb(dict(metadata))})
    return find_document(conn, document_id)
