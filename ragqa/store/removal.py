"""Documents let go of: what is theirs alone goes with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.store.corrections import drop_unused_corrections
from ragqa.store.documents import document_key, lock_document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg import Connection

    from ragqa.store.db import Database
    from ragqa.store.files import Files
    from ragqa.types import CollectionId, DocumentId

    Row = dict[str, Any]

ORPHAN_SECONDS = 3600.0

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

    Answers that quote it, and what its upload was answered, are removed too: nothing of it may
    stay. The caller removes its chunks (they carry statistics) before, and the files after the
    transaction.

    Raises:
        NotFound: If there is none.
    """
    lock_document(conn, document_id)
    files = [row["sha256"] for row in conn.execute(FILES, document_key(document_id))]
    for table in ("answers", "idempotency_keys"):
        conn.execute(
            f"DELETE FROM {table} WHERE collection_id = %(collection_id)s"
            " AND documents @> ARRAY[%(document_id)s::bigint]",
            document_key(document_id),
        )
    conn.execute(
        "DELETE FROM documents"
        " WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s",
        document_key(document_id),
    )
    drop_unused_corrections(conn, document_id.collection_id)
    return files


def hold_file(conn: Connection[Row], collection_id: CollectionId, sha256: str) -> None:
    """Keep others from deleting a file until this transaction ends, or wait until they have."""
    conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"file {collection_id} {sha256}"]
    )


def delete_unused(
    database: Database, files: Files, collection_id: CollectionId, hashes: Iterable[str]
) -> int:
    """Remove those of the files that no version uses, and say how many that were."""
    deleted = 0
    for sha256 in hashes:
        with database.transaction() as conn:
            # Somebody may be adding the same bytes under another name at this very moment.
            hold_file(conn, collection_id, sha256)
            if is_unused(conn, collection_id, sha256):
                files.delete(collection_id, sha256)
                deleted += 1
    return deleted


def collect_orphans(
    database: Database,
    files: Files,
    collection_id: CollectionId,
    *,
    seconds: float = ORPHAN_SECONDS,
) -> int:
    """Remove the files that a killed process left without a version; return how many.

    Younger ones than ``seconds`` may be somebody's who is about to add their version.
    """
    files.sweep_scratch(collection_id, seconds=seconds)
    with database.transaction() as conn:
        used = {
            row["sha256"]
            for row in conn.execute(
                "SELECT DISTINCT sha256 FROM versions WHERE collection_id = %s", [collection_id]
            )
        }
    left = [
        sha256
        for sha256 in files.stored(collection_id)
        if sha256 not in used and files.age(collection_id, sha256) >= seconds
    ]
    return delete_unused(database, files, collection_id, left)


def is_unused(conn: Connection[Row], collection_id: CollectionId, sha256: str) -> bool:
    """Return whether no version in the collection has these bytes."""
    row = conn.execute(
        "SELECT NOT EXISTS (SELECT FROM versions"
        " WHERE collection_id = %s AND sha256 = %s) AS unused",
        [collection_id, sha256],
    ).fetchone()
    return row is not None and bool(row["unused"])
