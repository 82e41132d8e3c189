"""The life of one version: claimed, read page by page, swapped in whole, or failed and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from psycopg.types.json import Jsonb

from ragqa.shapes import notices_to_json
from ragqa.store.corrections import drop_unused_corrections
from ragqa.store.documents import document_key, lock_document
from ragqa.store.reads import drop_leftovers
from ragqa.store.removal import is_unused
from ragqa.types import Version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

    from ragqa.types import DocumentId, Failure, Notice, Progress

    Row = dict[str, Any]

CLAIM = """
UPDATE versions v
   SET status = 'processing', claim = claim + 1, attempts = attempts + 1,
       stage = 'open', done = 0, total = 0, stage_since = now(), stage_from = 0, updated_at = now()
  FROM documents d
 WHERE (d.collection_id, d.document_id) = (v.collection_id, v.document_id)
   AND v.collection_id = %(collection_id)s AND v.document_id = %(document_id)s
   AND v.version = %(version)s AND v.version = d.newest_version
   AND v.status IN ('queued', 'processing')
RETURNING d.name, v.sha256, v.bytes, v.attempts, v.cancelled, v.password, v.claim
"""

PROGRESS = """
UPDATE versions
   SET stage_since = CASE WHEN stage = %(stage)s THEN stage_since ELSE now() END,
       stage_from = CASE WHEN stage = %(stage)s THEN stage_from ELSE %(done)s END,
       attempts = CASE WHEN %(further)s THEN 1 ELSE attempts END,
       stage = %(stage)s, done = %(done)s, total = %(total)s, updated_at = now()
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
   AND version = %(version)s AND status = 'processing' AND claim = %(claim)s
RETURNING cancelled
"""

STANDING = """
SELECT cancelled, claim = %(claim)s AS mine FROM versions
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
   AND version = %(version)s
"""

FAIL = """
UPDATE versions
   SET status = 'failed', error_code = %(code)s, error_message = %(message)s, password = NULL,
       warnings = %(warnings)s, updated_at = now()
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
   AND version = %(version)s AND status IN ('queued', 'processing') AND claim = %(claim)s
"""

READY = """
UPDATE versions
   SET status = 'ready', pages = %(pages)s, ocr_pages = %(ocr_pages)s, tables = %(tables)s,
       chunks = %(chunks)s, warnings = %(warnings)s, stage = 'ready', done = %(pages)s,
       total = %(pages)s, password = NULL, analyzed_by = %(analyzed_by)s, updated_at = now()
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
   AND version = %(version)s
"""

SERVE = """
UPDATE documents SET current_version = %(version)s
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
"""

DROP_OLD = """
DELETE FROM versions
 WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
   AND version < %(version)s
   AND version NOT IN (
       SELECT version FROM versions
        WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
          AND version < %(version)s AND status = 'ready'
          AND sha256 <> (  -- the same content read again is no version to go back to
              SELECT sha256 FROM versions
               WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s
                 AND version = %(version)s)
        ORDER BY version DESC LIMIT %(keep)s)
RETURNING sha256
"""

KEPT = """
SELECT v.version, v.sha256, v.bytes, v.status, v.pages, v.created_at,
       v.version = d.current_version IS TRUE AS served
  FROM versions v JOIN documents d USING (collection_id, document_id)
 WHERE v.collection_id = %(collection_id)s AND v.document_id = %(document_id)s
 ORDER BY v.version DESC
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A version that this worker reads now."""

    document_id: DocumentId
    version: int
    name: str
    sha256: str
    bytes: int
    attempts: int
    cancelled: bool
    password: str | None
    number: int
    """Which claim of the version this is: the next one makes it void."""

    def key(self) -> dict[str, int]:
        """Return what names it in a statement."""
        return {**document_key(self.document_id, self.version), "claim": self.number}


Standing = Literal["wanted", "cancelled", "taken over"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What reading a version came to."""

    pages: int
    ocr_pages: int
    tables: int
    chunks: int
    warnings: tuple[Notice, ...]


def claim_version(conn: Connection[Row], document_id: DocumentId, version: int) -> Claim | None:
    """Mark a version as being read; None when there is nothing (more) to do for it."""
    if (row := conn.execute(CLAIM, document_key(document_id, version)).fetchone()) is None:
        return None
    return Claim(
        document_id=document_id,
        version=version,
        name=row["name"],
        sha256=row["sha256"],
        bytes=row["bytes"],
        attempts=row["attempts"],
        cancelled=row["cancelled"],
        password=row["password"],
        number=row["claim"],
    )


def record_progress(
    conn: Connection[Row], claim: Claim, progress: Progress, *, further: bool = False
) -> bool:
    """Write how far a version is; return False when it should stop: ``standing`` tells why.

    ``further`` says that this attempt kept something that no earlier one had: attempts are counted
    anew from here, since only one that stops where the last one stopped speaks against the file.
    """
    row = conn.execute(
        PROGRESS,
        {
            **claim.key(),
            "stage": progress.stage,
            "done": progress.done,
            "total": progress.total,
            "further": further,
        },
    ).fetchone()
    return row is not None and not row["cancelled"]


def forgive_attempt(conn: Connection[Row], claim: Claim) -> None:
    """Take back an attempt that failed for a reason that is not the file's."""
    conn.execute(
        "UPDATE versions SET attempts = greatest(attempts - 1, 0)"
        " WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s"
        " AND version = %(version)s AND status = 'processing' AND claim = %(claim)s",
        claim.key(),
    )


def list_versions(conn: Connection[Row], document_id: DocumentId) -> list[Version]:
    """Return the versions of a document that are kept, newest first."""
    return [
        Version(
            version=row["version"],
            sha256=row["sha256"],
            bytes=row["bytes"],
            status=row["status"],
            pages=row["pages"],
            served=row["served"],
            created_at=row["created_at"],
        )
        for row in conn.execute(KEPT, document_key(document_id))
    ]


def standing(conn: Connection[Row], claim: Claim) -> Standing:
    """Return whether a claim is still good, and why not: a deleted version counts as cancelled."""
    row = conn.execute(STANDING, claim.key()).fetchone()
    if row is not None and not row["mine"]:
        return "taken over"
    return "cancelled" if row is None or row["cancelled"] else "wanted"


def request_cancel(conn: Connection[Row], document_id: DocumentId) -> None:
    """Ask the newest version to stop; whatever is served stays served.

    A version that nobody reads yet fails at once.
    """
    key = document_key(document_id)
    newest = (
        " WHERE collection_id = %(collection_id)s AND document_id = %(document_id)s AND version ="
        " (SELECT newest_version FROM documents WHERE collection_id = %(collection_id)s"
        " AND document_id = %(document_id)s)"
    )
    conn.execute(
        "UPDATE versions SET cancelled = true, updated_at = now()"
        + newest
        + " AND status = 'processing'",
        key,
    )
    conn.execute(
        "UPDATE versions SET status = 'failed', error_code = 'cancelled',"
        " error_message = 'cancelled before it was read', updated_at = now()"
        + newest
        + " AND status = 'queued'",
        key,
    )


def fail_version(
    conn: Connection[Row], claim: Claim, failure: Failure, warnings: Sequence[Notice] = ()
) -> None:
    """Mark a version as failed and drop what was written of it; the served one stays.

    A claim that was taken over fails nothing: the version is another worker's.
    """
    failed = conn.execute(
        FAIL,
        {
            **claim.key(),
            "code": failure.code,
            "message": failure.message,
            "warnings": Jsonb(notices_to_json(warnings)),
        },
    )
    if failed.rowcount:
        clear_pages(conn, claim.document_id, claim.version)


def serve_version(
    conn: Connection[Row],
    document_id: DocumentId,
    version: int,
    outcome: Outcome,
    *,
    keep: int,
    analyzed_by: str = "",
) -> list[str]:
    """Make a version the one that is served; return the files that nobody uses any more.

    Call it last in the transaction that swapped the chunks, whose terms ``analyzed_by`` found.
    ``keep`` older versions stay.

    Raises:
        NotFound: If the document was deleted meanwhile.
    """
    lock_document(conn, document_id)
    key = document_key(document_id, version)
    conn.execute(
        READY,
        {
            **key,
            "pages": outcome.pages,
            "ocr_pages": outcome.ocr_pages,
            "tables": outcome.tables,
            "chunks": outcome.chunks,
            "warnings": Jsonb(notices_to_json(outcome.warnings)),
            "analyzed_by": analyzed_by,
        },
    )
    conn.execute(SERVE, key)
    dropped = {row["sha256"] for row in conn.execute(DROP_OLD, {**key, "keep": keep})}
    drop_leftovers(conn, document_id)
    drop_unused_corrections(conn, document_id.collection_id)
    return [
        sha256 for sha256 in sorted(dropped) if is_unused(conn, document_id.collection_id, sha256)
    ]


def clear_pages(conn: Connection[Row], document_id: DocumentId, version: int) -> None:
    """Remove the pages that an interrupted attempt left."""
    conn.execute(
        "DELETE FROM pages WHERE collection_id = %(collection_id)s"
        " AND document_id = %(document_id)s AND version = %(version)s",
        document_key(document_id, version),
    )
