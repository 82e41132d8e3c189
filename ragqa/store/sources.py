"""What the nightly batch knows of the files in a folder, and the log of its runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from ragqa.types import DocumentId, Id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

    from ragqa.types import CollectionId

    Row = dict[str, Any]

# What failed in a way that may heal, or is not finished, is looked at again.
KNOWN = """
SELECT s.path, s.document_id, s.bytes, s.mtime_ns, s.sha256,
       v.status = 'ready' OR v.error_code NOT IN ('cancelled', 'gave_up') IS TRUE AS settled
  FROM sources s
  JOIN documents d USING (collection_id, document_id)
  JOIN versions v ON (v.collection_id, v.document_id, v.version)
                   = (d.collection_id, d.document_id, d.newest_version)
 WHERE s.collection_id = %s AND s.root = %s
"""

UPSERT = """
INSERT INTO sources (collection_id, root, path, document_id, bytes, mtime_ns, sha256)
VALUES (%(collection_id)s, %(root)s, %(path)s, %(document_id)s, %(bytes)s, %(mtime_ns)s,
        %(sha256)s)
ON CONFLICT (collection_id, root, path) DO UPDATE
   SET document_id = excluded.document_id, bytes = excluded.bytes,
       mtime_ns = excluded.mtime_ns, sha256 = excluded.sha256
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a folder as it was when it was last taken in."""

    path: str
    document_id: DocumentId
    bytes: int
    mtime_ns: int
    sha256: str
    settled: bool = False
    """Whether reading it again would come to the same."""


def list_sources(
    conn: Connection[Row], collection_id: CollectionId, root: str
) -> dict[str, Source]:
    """Return what is known of a folder, by path relative to it."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        return {
            path: Source(path, DocumentId(Id(collection_id, document)), *known)
            for path, document, *known in cursor.execute(KNOWN, [collection_id, root])
        }


def write_source(conn: Connection[Row], root: str, source: Source) -> None:
    """Remember a file as it is now."""
    conn.execute(
        UPSERT,
        {
            "collection_id": source.document_id.collection_id,
            "root": root,
            "path": source.path,
            "document_id": source.document_id.number,
            "bytes": source.bytes,
            "mtime_ns": source.mtime_ns,
            "sha256": source.sha256,
        },
    )


def move_source(conn: Connection[Row], root: str, source: Source, path: str) -> None:
    """Follow a file that was renamed."""
    conn.execute(
        "DELETE FROM sources WHERE collection_id = %s AND root = %s AND path = %s",
        [source.document_id.collection_id, root, source.path],
    )
    write_source(conn, root, replace(source, path=path))


def start_run(conn: Connection[Row], collection_id: CollectionId, paths: Sequence[str]) -> int:
    """Open the log entry of a batch run and return its number."""
    row = conn.execute(
        "INSERT INTO batch_runs (collection_id, paths) VALUES (%s, %s) RETURNING run_id",
        [collection_id, list(paths)],
    ).fetchone()
    assert row is not None
    number: int = row["run_id"]
    return number


def mark_interrupted(
    conn: Connection[Row], collection_id: CollectionId, paths: Sequence[str]
) -> int:
    """Close the runs of these paths that never ended; return how many there were.

    To be called by whoever holds the lock of these paths: nobody else works on them, so a run that
    is open is one whose process died. It is closed without a report.
    """
    return conn.execute(
        "UPDATE batch_runs SET finished_at = now()"
        " WHERE collection_id = %s AND finished_at IS NULL"
        " AND paths @> %s::text[] AND paths <@ %s::text[]",
        [collection_id, list(paths), list(paths)],
    ).rowcount


def finish_run(
    conn: Connection[Row], collection_id: CollectionId, run_id: int, report: dict[str, Any]
) -> None:
    """Close the log entry of a batch run."""
    conn.execute(
        "UPDATE batch_runs SET report = %s, finished_at = now()"
        " WHERE collection_id = %s AND run_id = %s",
        [Jsonb(report), collection_id, run_id],
    )


def list_runs(
    conn: Connection[Row], collection_id: CollectionId, *, limit: int = 20
) -> list[dict[str, Any]]:
    """Return the last batch runs, newest first; ``state`` is running, finished or interrupted."""
    return conn.execute(
        "SELECT run_id, paths, report, started_at, finished_at,"
        " CASE WHEN report IS NOT NULL THEN 'finished'"
        " WHEN finished_at IS NOT NULL THEN 'interrupted' ELSE 'running' END AS state"
        " FROM batch_runs"
        " WHERE collection_id = %s ORDER BY run_id DESC LIMIT %s",
        [collection_id, limit],
    ).fetchall()
