"""The queue: a job row is all that questions and ingestion know of each other."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import procrastinate
    from psycopg import Connection

    from ragqa.types import DocumentId

    Row = dict[str, Any]

QUEUE = "ingest"
TASK = "ingest_version"
UPLOAD = 10
BATCH = 0


@functools.cache
def _queue() -> procrastinate.App:
    # Imported when the first job is written: a night in which nothing changed writes none.
    import procrastinate

    # Jobs are only ever written inside the caller's transaction, so this app is never opened.
    return procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def enqueue_version(
    conn: Connection[Row], document_id: DocumentId, version: int, *, priority: int = UPLOAD
) -> None:
    """Queue the reading of a version; it becomes visible to workers when ``conn`` commits.

    Jobs of one document never run at the same time.
    """
    _queue().configure_task(
        TASK,
        queue=QUEUE,
        lock=str(document_id),
        priority=priority,
        connection=conn,
    ).defer(document_id=str(document_id), version=version)


def count_waiting(conn: Connection[Row]) -> int:
    """Return how many jobs wait for a worker."""
    row = conn.execute(
        "SELECT count(*) AS waiting FROM procrastinate_jobs"
        " WHERE status = 'todo' AND queue_name = %s",
        [QUEUE],
    ).fetchone()
    assert row is not None
    waiting: int = row["waiting"]
    return waiting


STORED = """
SELECT v.status, count(*) AS documents,
       coalesce(sum(v.pages - v.ocr_pages), 0) AS text_pages,
       coalesce(sum(v.ocr_pages), 0) AS ocr_pages
  FROM documents d
  JOIN versions v ON v.collection_id = d.collection_id AND v.document_id = d.document_id
                 AND v.version = d.newest_version
 GROUP BY v.status
"""


def count_stored(conn: Connection[Row]) -> dict[str, dict[str, int]]:
    """Return the numbers of waiting jobs, of documents by status, and of pages by source."""
    documents = dict.fromkeys(("queued", "processing", "ready", "failed"), 0)
    pages = {"text": 0, "ocr": 0}
    for row in conn.execute(STORED):
        documents[row["status"]] = row["documents"]
        pages["text"] += int(row["text_pages"])
        pages["ocr"] += int(row["ocr_pages"])
    return {"jobs": {"waiting": count_waiting(conn)}, "documents": documents, "pages": pages}
