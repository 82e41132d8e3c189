"""Documents let go of: what is theirs alone goes with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.store.documents import document_key, lock_document

if TYPE_CHECKING:
    from psycopg import Connection

    from ragqa.types import CollectionId, DocumentId

    Row = dict[str, Any]

FILES = """
SELECT DISTINCT v.sha256 FROM versions v
 WHERE v.collection_id = %(collection_id)s AND v.document_id = %(document_id)s
   AND NOT EXISTS (
       SELECT FROM versions o
        WHERE o.collection_id = v.collection_id AND o.sha256 = v.sha256
          AND o.document_id <> v.document_id)
"""


def delete_document(conn: Connection[Row], document_id: DocumentId) -> list[str]:
    """Remove a document with everything read from it; return the files nobody else uses.

    Answers that quote it are removed too: nothing of it may stay. The caller removes its chunks
    (they carry statistics) before, and the files after the transaction.

    Raises:
        NotFound: If there is none.
    """
    lock_document(conn, document_id)
    files = [row["sha256"] for row in conn.execute(FILES, document_key(document_id))]
    conn.execute(
        "DELETE FROM answers WHERE collection_id = %(collection_id)s"
        " AND documents @> ARRAY[%(document_id)s::bigint]",
        document_key(document_id),
    )
    conn.execute(
        "DELETE FROM documents"
        " WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s",
        document_key(document_id),
    )
    return files


def is_unused(conn: Connection[Row], collection_id: CollectionId, sha256: str) -> bool:
    """Return whether no version in the collection has these bytes."""
    row = conn.execute(
        "SELECT NOT EXISTS (SELECT FROM versions"
        " WHERE collection_id = %s AND sha256 = %s) AS unused",
        [collection_id, sha256],
    ).fetchone()
    return row is not None and bool(row["unused"])
