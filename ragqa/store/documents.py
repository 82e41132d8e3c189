"""Documents and their versions: what is served, what is on its way, what failed and why."""

from __future__ import annotations

import base64
import binascii
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragqa.errors import InvalidInput, NotFound
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
SELECT d.collection_id, d.document_id, c.name AS collection, d.name, d.created_at,
       v.version, v.sha256, v.bytes, v.status, v.pages, v.ocr_pages, v.tables, v.chunks,
       v.error_code, v.error_message, v.warnings, v.stage, v.done, v.total, v.updated_at
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

QUEUE_AGAIN = """
UPDATE versions
   SET status = 'queued', cancelled = false, attempts = 0, error_code = NULL, error_message = NULL,
       warnings = '[]', stage = 'queued', done = 0, total = 0, updated_at = now(),
       password = coalesce(%(password)s, password)
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
   AND version = %(version)s AND status = 'failed'
"""

FILES = """
SELECT DISTINCT v.sha256 FROM versions v
 WHERE v.collection_id = %(collection_id)s AND v.document_id = %(document_id)s
   AND NOT EXISTS (
       SELECT FROM versions o
        WHERE o.collection_id = v.collection_id AND o.sha256 = v.sha256
          AND o.document_id <> v.document_id)
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
    key = {"collection_id": collection_id, "document_id": document_id.number, "version": newest + 1}
    conn.execute(
        ADD_VERSION,
        {**key, "sha256": stored.sha256, "bytes": stored.bytes, "password": password},
    )
    conn.execute(
        "UPDATE documents SET newest_version = %(version)s"
        " WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s",
        key,
    )
    return Added(find_document(conn, document_id), queued=True, replaced=newest > 0)


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
            "after": _after(cursor),
        },
    ).fetchall()
    documents = [document_from_row(row) for row in rows[:limit]]
    more = len(rows) > limit
    return documents, _cursor(documents[-1].id.number) if more else None


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


def check_filename(name: str) -> str:
    """Return ``name`` in NFC, its folders kept with forward slashes.

    Raises:
        InvalidInput: If it is empty or longer than 1,000 characters.
    """
    name = unicodedata.normalize("NFC", name).replace("\\", "/").replace("\0", "")
    name = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cs"}).strip("/ ")
    parts = [part for part in name.split("/") if part not in {"", ".", ".."}]
    name = "/".join(parts)
    if not 1 <= len(name) <= 1000:
        raise InvalidInput(
            f"a file name has 1 to 1,000 characters, this one {len(name)}", code="bad_filename"
        )
    return name


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
        progress=Progress(row["stage"], row["done"], row["total"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


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


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def _after(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        number = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise InvalidInput(
            f"cursor {cursor[:40]!r} is not one this server gave", code="bad_cursor"
        ) from error
    if not 0 <= number < 1 << 62:
        raise InvalidInput(f"cursor {cursor[:40]!r} is not one this server gave", code="bad_cursor")
    return number
