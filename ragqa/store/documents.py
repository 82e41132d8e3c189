"""Documents and their versions: what is served, what is on its way, what failed and why."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragqa.errors import Conflict, NotFound
from ragqa.store.naming import check_filename, from_cursor, to_cursor
from ragqa.types import (
    CollectionId,
    Document,
    DocumentId,
    Failure,
    Id,
    Notice,
    Progress,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

    from ragqa.store.files import StoredFile

    Row = dict[str, Any]

SELECT = """
SELECT d.collection_id, d.document_id, c.name AS collection, d.name, d.metadata, d.created_at,
       v.version, v.sha256, v.bytes, v.status, v.pages, v.ocr_pages, v.tables, v.chunks,
       v.error_code, v.error_message, v.warnings, v.stage, v.done, v.total, v.updated_at,
       v.done - v.stage_from AS gone, extract(epoch FROM v.updated_at - v.stage_since) AS seconds
  FROM documents d
  JOIN collections c USING (collection_id)
  JOIN versions v ON (v.collection_id, v.document_id, v.version)
                   = (d.collection_id, d.document_id, d.newest_version)
"""

LIST = (
    SELECT
    + """
 WHERE d.collection_id = %(collection_id)s AND d.document_id > %(after)s
   AND (%(status)s::text IS NULL OR v.status = %(status)s)
 ORDER BY d.document_id
 LIMIT %(limit)s
"""
)

ADD_DOCUMENT = """
INSERT INTO documents (collection_id, name) VALUES (%(collection_id)s, %(name)s)
ON CONFLICT (collection_id, name) DO UPDATE SET name = excluded.name
RETURNING document_id, newest_version
"""

ADD_VERSION = """
INSERT INTO versions (collection_id, document_id, version, sha256, bytes, password)
VALUES (%(collection_id)s, %(document_id)s, %(version)s, %(sha256)s, %(bytes)s, %(password)s)
"""

RAISE_NEWEST = """
UPDATE documents SET newest_version = newest_version + 1
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
RETURNING newest_version
"""

QUEUE_AGAIN = """
UPDATE versions
   SET status = 'queued', cancelled = false, attempts = 0, error_code = NULL, error_message = NULL,
       warnings = '[]', stage = 'queued', done = 0, total = 0, updated_at = now(),
       password = coalesce(%(password)s, password)
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
   AND version = %(version)s AND status = 'failed'
"""


@dataclass(frozen=True, slots=True)
class Added:
    """What adding a file came to: ``queued`` is False when the same bytes were there already."""

    document: Document
    queued: bool
    replaced: bool
    """True when the document existed before with other bytes."""


def add_version(
    conn: Connection[Row],
    collection_id: CollectionId,
    name: str,
    stored: StoredFile,
    *,
    password: str | None = None,
) -> Added:
    """Make ``stored`` the newest version of the document called ``name``.

    The same bytes under the same name change nothing, unless reading them failed: then they are
    queued again.
    """
    row = conn.execute(
        ADD_DOCUMENT, {"collection_id": collection_id, "name": check_filename(name)}
    ).fetchone()
    assert row is not None
    document_id = DocumentId(Id(collection_id, row["document_id"]))
    newest = row["newest_version"]
    if newest:
        before = find_document(conn, document_id)
        if before.sha256 == stored.sha256:
            again = before.status == "failed" and queue_again(conn, document_id, password=password)
            return Added(find_document(conn, document_id), queued=again, replaced=False)
    add_content(conn, document_id, stored.sha256, stored.bytes, password=password)
    return Added(find_document(conn, document_id), queued=True, replaced=newest > 0)


def add_content(
    conn: Connection[Row],
    document_id: DocumentId,
    sha256: str,
    size: int,
    *,
    password: str | None = None,
) -> int:
    """Give a document a new newest version, to be read; return its number."""
    row = conn.execute(RAISE_NEWEST, document_key(document_id)).fetchone()
    if row is None:
        raise NotFound(f"no document {document_id}", code="document_not_found")
    version: int = row["newest_version"]
    conn.execute(
        ADD_VERSION,
        {
            **document_key(document_id, version),
            "sha256": sha256,
            "bytes": size,
            "password": password,
        },
    )
    return version


def rename_document(conn: Connection[Row], document_id: DocumentId, name: str) -> None:
    """Give a document another name; its passages carry the name too, and are the caller's.

    Raises:
        InvalidInput: If it cannot be a name.
        Conflict: If another document has it.
    """
    taken = find_document_by_name(conn, document_id.collection_id, check_filename(name))
    if taken is not None and taken.id != document_id:
        raise Conflict(f"another document is called {name}", code="name_taken")
    conn.execute(
        "UPDATE documents SET name = %(name)s"
        " WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s",
        {**document_key(document_id), "name": check_filename(name)},
    )


def queue_again(
    conn: Connection[Row], document_id: DocumentId, *, password: str | None = None
) -> bool:
    """Put the newest version back into the queue if it failed; return whether it was."""
    version = find_document(conn, document_id).version
    done = conn.execute(QUEUE_AGAIN, {**document_key(document_id, version), "password": password})
    return done.rowcount == 1


def find_document(conn: Connection[Row], document_id: DocumentId) -> Document:
    """Return a document with the state of its newest version.

    Raises:
        NotFound: If there is none.
    """
    row = conn.execute(
        SELECT + " WHERE d.collection_id = %(collection_id)s AND d.document_id = %(document_id)s",
        document_key(document_id),
    ).fetchone()
    if row is None:
        raise NotFound(f"no document {document_id}", code="document_not_found")
    return document_from_row(row)


def find_document_by_name(
    conn: Connection[Row], collection_id: CollectionId, name: str
) -> Document | None:
    """Return the document of that name, or None."""
    row = conn.execute(
        SELECT + " WHERE d.collection_id = %s AND d.name = %s",
        [collection_id, unicodedata.normalize("NFC", name)],
    ).fetchone()
    return document_from_row(row) if row else None


def list_documents(
    conn: Connection[Row],
    collection_id: CollectionId,
    *,
    status: Status | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> tuple[list[Document], str | None]:
    """Return a page of documents in the order they came, and the cursor of the next page."""
    rows = conn.execute(
        LIST,
        {
            "collection_id": collection_id,
            "status": status,
            "limit": limit + 1,
            "after": from_cursor(cursor),
        },
    ).fetchall()
    documents = [document_from_row(row) for row in rows[:limit]]
    more = len(rows) > limit
    return documents, to_cursor(documents[-1].id.number) if more else None


def lock_document(conn: Connection[Row], document_id: DocumentId) -> int | None:
    """Hold the document until the transaction ends; return the version that is served.

    Raises:
        NotFound: If there is none (any more).
    """
    row = conn.execute(
        "SELECT current_version FROM documents WHERE collection_id = %(collection_id)s"
        " AND document_id = %(document_id)s FOR UPDATE",
        document_key(document_id),
    ).fetchone()
    if row is None:
        raise NotFound(f"no document {document_id}", code="document_not_found")
    current: int | None = row["current_version"]
    return current


def served_file(conn: Connection[Row], document_id: DocumentId) -> tuple[str, str]:
    """Return name and hash of the file that is served, or of the newest when none is served yet.

    Raises:
        NotFound: If there is no such document.
    """
    row = conn.execute(
        "SELECT d.name, v.sha256 FROM documents d JOIN versions v"
        " ON (v.collection_id, v.document_id, v.version)"
        " = (d.collection_id, d.document_id, coalesce(d.current_version, d.newest_version))"
        " WHERE d.collection_id = %(collection_id)s AND d.document_id = %(document_id)s",
        document_key(document_id),
    ).fetchone()
    if row is None:
        raise NotFound(f"no document {document_id}", code="document_not_found")
    return row["name"], row["sha256"]


def document_from_row(row: Row) -> Document:
    """Build a document from a row of ``SELECT``."""
    failure = row["error_code"] and Failure(row["error_code"], row["error_message"] or "")
    return Document(
        id=DocumentId(Id(CollectionId(row["collection_id"]), row["document_id"])),
        collection=row["collection"],
        filename=row["name"],
        sha256=row["sha256"],
        bytes=row["bytes"],
        status=row["status"],
        version=row["version"],
        pages=row["pages"],
        ocr_pages=row["ocr_pages"],
        tables=row["tables"],
        chunks=row["chunks"],
        error=failure or None,
        warnings=notices_from_json(row["warnings"]),
        progress=_progress(row),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        metadata=tuple(row["metadata"].items()),
    )


def _progress(row: Row) -> Progress:
    going = row["status"] == "processing" and row["gone"] > 0 and row["seconds"] > 0
    rate = round(row["gone"] / float(row["seconds"]), 3) if going else None
    return Progress(row["stage"], row["done"], row["total"], rate)


def notices_from_json(records: Sequence[dict[str, Any]]) -> tuple[Notice, ...]:
    """Read the contract's shape of warnings."""
    return tuple(Notice(r["code"], r["message"], r["page"]) for r in records)


def document_key(document_id: DocumentId, version: int | None = None) -> dict[str, Any]:
    """Return the query parameters that name a document, or one version of it."""
    return {
        "collection_id": document_id.collection_id,
        "document_id": document_id.number,
        "version": version,
    }
